"""Find out what a server does where the API document is silent, and where it deviates from the document.

The script sends at most 30 requests, one at a time, that only read. KONVO_BASE_URL has the address (default: the API
document's), KONVO_API_KEY the key. The output contains neither the key nor a value of a record.

    KONVO_API_KEY=... python -m scripts.contract.live

Exit code: 0 without deviations, 1 with some, 2 if the key or the address is wrong or the server is unreachable.
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
    """The exit code, after the report or an error is printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--take",
        dest="max_requests",
        type=request_limit,
        default=MAX_REQUESTS,
        metavar="N",
        help="send at most N requests, 1 to %(default)s (default: %(default)s)",
    )
    parser.add_argument("--list", metavar="NAME", help="resource to check, e.g. ai_sessions (default: the first)")
    options = parser.parse_args(arguments)
    responses: list[httpx.Response] = []
    try:
        report = examine(options.list, max_requests=options.max_requests, on_response=responses.append)
    except KeyError:
        parser.error(f"unknown resource {options.list!r}")
    except APIStatusError as error:
        print(status_message(error), file=sys.stderr)
        return 2
    except KonvoError as error:
        print(error, file=sys.stderr)
        return 2
    for deviation in schema_deviations(responses):
        report.add_deviation(deviation)
    print(*report.lines(), sep="\n")
    return 1 if report.deviations else 0


def request_limit(text: str) -> int:
    """The number of requests; raises ValueError if it is out of range."""
    if not 1 <= int(text) <= MAX_REQUESTS:
        raise ValueError
    return int(text)


def status_message(error: APIStatusError) -> str:
    """One sentence without the server's own message, which may contain the key."""
    problem = f"{bare_url(error.response.url)} returns status {error.status_code}"
    if error.status_code in (401, 403):
        return f"{problem}: check the key in KONVO_API_KEY"
    return f"{problem}: {'try again later' if error.status_code >= 429 else 'check the address in KONVO_BASE_URL'}"


def schema_deviations(responses: Sequence[httpx.Response]) -> Iterator[str]:
    """Where the JSON of the responses violates the schemas of the API document."""
    if not DOCUMENT.exists():
        return
    # Late, as this import takes half of the start-up time.
    from openapi_schema_validator import OAS30Validator, oas30_format_checker

    document = YAML(typ="safe").load(DOCUMENT)
    for response in responses:
        schema = response_schema(response, document)
        try:
            body = response.json()
        except (ValueError, RecursionError):
            continue  # reported by the client already
        if schema is not None:
            resolvable = {**schema, "components": document["components"]}
            validator = OAS30Validator(resolvable, format_checker=oas30_format_checker)
            yield from map(describe_violation, validator.iter_errors(body))


def response_schema(response: httpx.Response, document: dict[str, Any]) -> dict[str, Any] | None:
    """The API document's schema for the body of a response; None if there is none."""
    method, requested = response.request.method.lower(), response.request.url.path
    paths = [path for path in document["paths"] if requested.endswith(path) and method in document["paths"][path]]
    if not paths:
        return None
    documented = document["paths"][max(paths, key=len)][method]["responses"]
    matching = documented.get(str(response.status_code)) or documented.get("default") or {}
    return matching.get("content", {}).get("application/json", {}).get("schema")  # type: ignore[no-any-return]


def describe_violation(error: Any) -> str:
    """The JSON path and the rule, e.g. `result[].created_at: expected type string`; never the value."""
    steps = ["[]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    path = "".join(steps).lstrip(".") or "the response"
    rule = error.validator_value
    if error.validator == "required":
        return f"{path}: missing {', '.join(name for name in rule if name not in error.instance)}"
    if error.validator in ("type", "format"):
        return f"{path}: expected {error.validator} {rule}"
    return f"{path}: violates the schema's {error.validator}"


if __name__ == "__main__":
    sys.exit(main())
