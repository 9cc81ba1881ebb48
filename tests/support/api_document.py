"""The API document: its operations, their parameters and responses, and its schemas.

The contract tests take their cases from this module, so that additions to the document are tested at once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from scripts.contract.openapi_documents import METHODS, resolve_ref
from tests.support import ROOT

PATH = ROOT / "openapi.yaml"

Schema = Mapping[str, Any]
TOTALS = ("count", "total", "total_count", "totalCount", "total_results", "total_items")


@dataclass(frozen=True)
class Parameter:
    name: str
    location: str
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Response:
    status: int
    media_type: str | None
    schema: Schema


@dataclass(frozen=True)
class Operation:
    id: str
    tag: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    responses: tuple[Response, ...]

    @property
    def success(self) -> Response:
        return next(response for response in self.responses if 200 <= response.status < 300)

    @property
    def errors(self) -> list[Response]:
        return [response for response in self.responses if response.status >= 400]

    @property
    def list_schema(self) -> Schema:
        """The schema of the list in a list operation's response."""
        return properties(self.success.schema)[str(self.list_field)]

    @property
    def list_field(self) -> str | None:
        """The field of the response that holds the list of objects; None for other responses."""
        fields = properties(self.success.schema)
        lists = [name for name, schema in fields.items() if schema.get("type") == "array" and _is_object(schema)]
        return "result" if "result" in lists else lists[0] if len(lists) == 1 and self.method == "GET" else None

    @property
    def total_field(self) -> str | None:
        """The field of the response that holds the number of all records."""
        fields = properties(self.success.schema)
        return next((name for name in TOTALS if fields.get(name, {}).get("type") == "integer"), None)

    @property
    def names(self) -> set[str]:
        """The names of the parameters."""
        return {parameter.name for parameter in self.parameters}


def _is_object(schema: Schema) -> bool:
    return "properties" in resolve(schema["items"])


@cache
def load() -> dict[str, Any]:
    return dict(YAML(typ="safe").load(PATH))


def strict() -> dict[str, Any]:
    """Return the document with every property required and no others allowed."""
    document = copy.deepcopy(load())
    for schema in document["components"]["schemas"].values():
        schema |= {"required": list(schema["properties"]), "additionalProperties": False}
    return document


def server_url(path: Path) -> str:
    return str(YAML(typ="safe").load(path)["servers"][0]["url"])


def key_header() -> str:
    """Return the name of the header for the API key."""
    (requirement,) = load()["security"]
    (scheme,) = (load()["components"]["securitySchemes"][name] for name in requirement)
    assert (scheme["type"], scheme["in"]) == ("apiKey", "header")
    return str(scheme["name"])


@cache
def operations() -> list[Operation]:
    return [
        _operation(path, item, method) for path, item in load()["paths"].items() for method in METHODS if method in item
    ]


def lists() -> list[Operation]:
    return [operation for operation in operations() if operation.list_field]


def _operation(path: str, item: Schema, method: str) -> Operation:
    operation = item[method]
    parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
    return Operation(
        id=operation["operationId"],
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        parameters=tuple(_parameter(dereference(parameter)) for parameter in parameters),
        # `default` and `4XX` are not a status that a test could request from the mock.
        responses=tuple(
            _response(int(status), dereference(response))
            for status, response in operation["responses"].items()
            if str(status).isdecimal()
        ),
    )


def _parameter(value: Schema) -> Parameter:
    return Parameter(value["name"], value["in"], value.get("required", False), resolve(value["schema"]))


def _response(status: int, value: Schema) -> Response:
    for media_type, content in value.get("content", {}).items():
        return Response(status, media_type, content["schema"])
    return Response(status, None, {})


def dereference(value: Schema) -> Schema:
    """Return what a `$ref` points to; other values are returned unchanged."""
    found: Schema = resolve_ref(load(), value)
    return found


def resolve(schema: Schema) -> Schema:
    """Return the schema with its `$ref` and `allOf` merged into it; the schemas within it stay unchanged."""
    schema = dereference(schema)
    merged: dict[str, Any] = {}
    for part in [*map(resolve, schema.get("allOf", [])), {key: schema[key] for key in schema if key != "allOf"}]:
        both = {
            "properties": {**merged.get("properties", {}), **part.get("properties", {})},
            "required": [*merged.get("required", []), *part.get("required", [])],
        }
        merged |= {**part, **{key: value for key, value in both.items() if value}}
    return merged


def properties(schema: Schema) -> dict[str, Schema]:
    return {name: resolve(part) for name, part in resolve(schema).get("properties", {}).items()}


def used_schemas() -> set[str]:
    """Return the names of the schemas that requests and responses use, directly or through others."""
    found: set[str] = set()
    waiting: list[Any] = [load()["paths"]]
    while waiting:
        for ref in set(_refs(waiting.pop())) - found:
            found.add(ref)
            waiting.append(dereference({"$ref": ref}))
    return {ref.rpartition("/")[2] for ref in found if ref.startswith("#/components/schemas/")}


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _refs(part)
