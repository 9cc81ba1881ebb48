"""Find out what the API document leaves open, and where a server departs from it, by asking the server itself.

The address is that of KONVO_BASE_URL, or else the document's, and the key that of KONVO_API_KEY. At most 30 requests
are sent, one after the other, and all of them only read. Neither the key nor anything of a record is shown.

    KONVO_API_KEY=... python -m scripts.contract.live

The exit code is 0 where nothing departs from the document, 1 where something does, and 2 where the key or the address
does not do, or the server is out of reach.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from konvoai import APIStatusError, KonvoError
from konvoai._doctor.runner import MAX_REQUESTS, examine
from konvoai.errors import bare_url

DOCUMENT = Path(__file__).resolve().parents[2] / "openapi.yaml"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--take", type=allowed, default=MAX_REQUESTS, metavar="N", help="requests at most, 1 to %(default)s"
    )
    parser.add_argument("--list", metavar="NAME", help="the list to ask for, as ai_sessions (default: the first)")
    options = parser.parse_args(arguments)
    answers: list[httpx.Response] = []
    try:
        report = examine(options.list, max_requests=options.take, on_response=answers.append)
    except KeyError:
        parser.error(f"there is no list {options.list}")
    except APIStatusError as error:
        print(refused(error), file=sys.stderr)
        return 2
    except KonvoError as error:
        print(error, file=sys.stderr)
        return 2
    for departure in schema_departures(answers):
        report.add_deviation(departure)
    print(*report.lines(), sep="\n")
    return 1 if report.deviations else 0


def allowed(text: str) -> int:
    """How many requests; raises ValueError."""
    if not 1 <= int(text) <= MAX_REQUESTS:
        raise ValueError
    return int(text)


def refused(error: APIStatusError) -> str:
    """One sentence, without the server's words, which may have the key."""
    said = f"{bare_url(error.response.url)} answers {error.status_code}"
    if error.status_code in (401, 403):
        return f"{said}: check the key in KONVO_API_KEY"
    return f"{said}: try again later" if error.status_code >= 429 else f"{said}: check the address in KONVO_BASE_URL"


def schema_departures(answers: Sequence[httpx.Response]) -> Iterator[str]:
    """Where the JSON of the answers breaks the schemas of the document, without what was there instead."""
    if not DOCUMENT.exists():
        return
    from openapi_schema_validator import OAS30Validator, oas30_format_checker  # half of the time that it takes to start

    document = YAML(typ="safe").load(DOCUMENT)
    for answer in answers:
        schema = schema_of(answer, document)
        try:
            body = answer.json()
        except (ValueError, RecursionError):
            continue  # which the client has refused
        if schema is not None:
            whole = OAS30Validator(
                {**schema, "components": document["components"]}, format_checker=oas30_format_checker
            )
            yield from map(told, whole.iter_errors(body))


def schema_of(answer: httpx.Response, document: dict[str, Any]) -> dict[str, Any] | None:
    """What the document says of such an answer; None where it says nothing."""
    method, asked = answer.request.method.lower(), answer.request.url.path
    paths = [path for path in document["paths"] if asked.endswith(path) and method in document["paths"][path]]
    if not paths:
        return None
    said = document["paths"][max(paths, key=len)][method]["responses"]
    response = said.get(str(answer.status_code)) or said.get("default") or {}
    content = response.get("content", {}).get("application/json", {})
    return content.get("schema")  # type: ignore[no-any-return]


def told(error: Any) -> str:
    """The place and the rule, as in `result[].created_at: not of the type string`; never the value itself."""
    steps = ["[]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    place = "".join(steps).lstrip(".") or "the answer"
    rule = error.validator_value
    if error.validator == "required":
        missing = [name for name in rule if name not in error.instance]
        return f"{place}: {', '.join(missing)} missing"
    if error.validator in ("type", "format"):
        return f"{place}: not of the {error.validator} {rule}"
    return f"{place}: not as the document's {error.validator} says"


if __name__ == "__main__":
    sys.exit(main())
