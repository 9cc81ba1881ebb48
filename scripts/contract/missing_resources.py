"""Which lists of the API document the wrapper does not offer yet, and the lines that would offer them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from openapi_python_client.strings import ClassName, PythonIdentifier

from scripts.contract.openapi_documents import followed, operations

PAGES = ("page", "limit")
TIMES = ("updated_at_min", "updated_at_max")


class Offer(NamedTuple):
    """A list operation: parameters `page` and `limit`, and an answer with `count` and one list."""

    name: str
    function: str
    envelope: str
    record: str
    parameters: dict[str, dict[str, Any]]
    described: str


def lists_not_offered(document: dict[str, Any]) -> list[Offer]:
    from konvoai import Konvo  # of the tree, as it is now

    with Konvo("none") as konvo:
        offered = {name for name, resource in vars(konvo).items() if hasattr(resource, "list")}
    return [offer for offer in lists(document) if offer.name not in offered]


def lists(document: dict[str, Any]) -> Iterator[Offer]:
    for name, operation in operations(document).items():
        said = [followed(document, parameter) for parameter in operation.get("parameters", ())]
        parameters = {parameter["name"]: followed(document, parameter.get("schema", {})) for parameter in said}
        content = followed(document, operation.get("responses", {}).get("200", {})).get("content", {})
        ref = content.get("application/json", {}).get("schema", {})
        properties = followed(document, ref).get("properties", {})
        arrays = [schema for schema in properties.values() if followed(document, schema).get("type") == "array"]
        if name.startswith("GET ") and set(PAGES) <= parameters.keys() and "count" in properties and len(arrays) == 1:
            yield Offer(
                name=str(PythonIdentifier(operation.get("tags", ["default"])[0], "")),
                function=str(PythonIdentifier(operation["operationId"], "")),
                envelope=class_of(ref),
                record=class_of(followed(document, arrays[0])["items"]),
                parameters={str(PythonIdentifier(name, "")): schema for name, schema in parameters.items()},
                described=name,
            )


def class_of(said: dict[str, Any]) -> str:
    return str(ClassName(said.get("$ref", "object").rpartition("/")[2], ""))


def lines_to_add(offer: Offer) -> dict[str, str]:
    """The lines that offer it, by the file that they belong to."""
    cls, times = str(ClassName(offer.name, "")), set(TIMES) <= offer.parameters.keys()
    others = {name: schema for name, schema in offer.parameters.items() if name not in (*PAGES, *TIMES)}
    since = [f"{name}: datetime | None = None" for name in TIMES if times]
    taken = [*since, *(f"{name}: {taken_as(schema)}" for name, schema in others.items()), "concurrency: int = 4"]
    bounds = f"validate_period({', '.join(TIMES)})" if times else "(None, None)"
    included = "".join(f", {name}={name}" for name in others)
    listed = ["*", "page: int | None = None", "limit: int = MAX_LIMIT", *taken]
    methods = method(
        *("list", listed, "ListT", f"Every record, each once, in the server's order (`{offer.described}`)."),
        f"self._paginate(self._query({bounds}, concurrency, page=page, limit=limit{included}))",
    )
    if times:
        methods += method(
            *("scan", ["*", *taken], "ScanT", f"Every record by windows of time (`{offer.described}`)."),
            f"self._scan(self._query({bounds}, concurrency{included}))",
        )
    resource = f"""\
from konvo_api_client.api.{offer.name} import {offer.function}

from .models import {offer.envelope}


class {cls}(Resource[ListT, ScanT]):
    \"\"\"`konvo.{offer.name}`.\"\"\"

    build = staticmethod({offer.function}._get_kwargs)
    envelope = {offer.envelope}
{methods}"""
    sync, twin = (f"{cls}[{face}Paginator[{offer.record}], {face}Scan[{offer.record}]]" for face in ("", "Async"))
    attribute = f"        from ._resources import {cls}\n\n        self.{offer.name}: {{}} = {cls}(*readers)\n"
    return {
        "wrapper/konvoai/_resources.py": resource,
        "wrapper/konvoai/_client.py, Konvo.__init__": attribute.format(sync),
        "wrapper/konvoai/_client.py, AsyncKonvo.__init__": attribute.format(twin),
    }


def taken_as(schema: dict[str, Any]) -> str:
    if schema.get("type") == "boolean":
        return f"bool = {bool(schema.get('default'))}"
    plain = {"integer": "int", "number": "float"}.get(schema.get("type", ""), "str")
    return f"{plain} | None = None"


def method(name: str, parameters: list[str], answer: str, described: str, value: str) -> str:
    lines = "".join(f"        {parameter},\n" for parameter in ["self", *parameters])
    return f"""
    def {name}(
{lines}    ) -> {answer}:
        \"\"\"{described}\"\"\"
        return {value}
"""


def told(offer: Offer) -> str:
    """What is left to do by hand."""
    blocks = "\n".join(f"in {place}:\n\n{lines}" for place, lines in lines_to_add(offer).items())
    return f"konvo.{offer.name} is not offered yet; add these lines, then run make format:\n\n{blocks}"
