"""What the API document says: its operations, their parameters and answers, its schemas.

The contract tests are driven by this, so that what is added to the document is under test as it is.
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


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Answer:
    status: int
    media_type: str | None
    said: Schema


@dataclass(frozen=True)
class Operation:
    id: str
    tag: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    answers: tuple[Answer, ...]

    @property
    def success(self) -> Answer:
        return next(answer for answer in self.answers if 200 <= answer.status < 300)

    @property
    def errors(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status >= 400]

    @property
    def listed(self) -> Schema:
        """The schema of the list in a list's answer."""
        return properties(self.success.said)[str(self.list_field)]

    @property
    def list_field(self) -> str | None:
        """The name of the answer's list where pages are read: parameters `page` and `limit`, `count` and one list."""
        fields = properties(self.success.said)
        lists = [name for name, schema in fields.items() if schema.get("type") == "array"]
        by_pages = {"page", "limit"} <= {parameter.name for parameter in self.parameters}
        return lists[0] if by_pages and "count" in fields and len(lists) == 1 else None


@cache
def load() -> dict[str, Any]:
    return dict(YAML(typ="safe").load(PATH))


def strict() -> dict[str, Any]:
    """The document with everything required and nothing else allowed in its answers."""
    made = copy.deepcopy(load())
    for schema in made["components"]["schemas"].values():
        schema |= {"required": list(schema["properties"]), "additionalProperties": False}
    return made


def server_url(path: Path) -> str:
    return str(YAML(typ="safe").load(path)["servers"][0]["url"])


def key_header() -> str:
    """The header that carries the key."""
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
    said = item[method]
    parameters = [follow(parameter) for parameter in [*item.get("parameters", []), *said.get("parameters", [])]]
    return Operation(
        id=said["operationId"],
        tag=said["tags"][0],
        method=method.upper(),
        path=path,
        parameters=tuple(_parameter(parameter) for parameter in parameters),
        # `default` and `4XX` name no status that could be asked for.
        answers=tuple(
            _answer(int(status), follow(answer))
            for status, answer in said["responses"].items()
            if str(status).isdecimal()
        ),
    )


def _parameter(said: Schema) -> Parameter:
    return Parameter(said["name"], said["in"], said.get("required", False), resolve(said["schema"]))


def _answer(status: int, said: Schema) -> Answer:
    for media_type, content in said.get("content", {}).items():
        return Answer(status, media_type, content["schema"])
    return Answer(status, None, {})


def follow(said: Schema) -> Schema:
    """What a `$ref` points to, or what was given."""
    found: Schema = resolve_ref(load(), said)
    return found


def resolve(said: Schema) -> Schema:
    """The schema with its `$ref` and `allOf` merged into it; the schemas within it are left as they are."""
    said = follow(said)
    merged: dict[str, Any] = {}
    for part in [*map(resolve, said.get("allOf", [])), {key: said[key] for key in said if key != "allOf"}]:
        both = {
            "properties": {**merged.get("properties", {}), **part.get("properties", {})},
            "required": [*merged.get("required", []), *part.get("required", [])],
        }
        merged |= {**part, **{key: value for key, value in both.items() if value}}
    return merged


def properties(schema: Schema) -> dict[str, Schema]:
    return {name: resolve(said) for name, said in resolve(schema).get("properties", {}).items()}


def reached() -> set[str]:
    """The names of the schemas that an answer or a request of some operation leads to."""
    followed: set[str] = set()
    waiting: list[Any] = [load()["paths"]]
    while waiting:
        for ref in set(_refs(waiting.pop())) - followed:
            followed.add(ref)
            waiting.append(follow({"$ref": ref}))
    return {ref.rpartition("/")[2] for ref in followed if ref.startswith("#/components/schemas/")}


def _refs(said: Any) -> Iterator[str]:
    if isinstance(said, Mapping):
        if isinstance(said.get("$ref"), str):
            yield said["$ref"]
        said = list(said.values())
    if isinstance(said, list):
        for part in said:
            yield from _refs(part)
