"""Values for parameters: those that the document admits, those that it does not, and how a server reads them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from tests.support.api_document import Operation, Schema, resolve
from tests.support.contract_clients import python_name


class Text(str):
    """A text in the clothes of whatever a generated function wants to write: a time, a date, a member of an enum."""

    def isoformat(self) -> str:
        return str(self)

    @property
    def value(self) -> str:
        return str(self)


def good(schema: Schema) -> list[Any]:
    """Values that the document admits: limits at their very ends, and first what is not the default."""
    if "enum" in schema:
        return [Text(value) for value in schema["enum"]]
    match schema.get("type"), schema.get("format"):
        case "integer" | "number", _:
            return [schema[bound] for bound in ("maximum", "minimum") if bound in schema] or [2, 0, -1]
        case "boolean", _:
            return [not schema.get("default", False), schema.get("default", False)]
        case "string", "date-time":
            return [datetime(2026, 2, 25, 18, 46, 34, 206000, tzinfo=timezone(timedelta(hours=2)))]
        case "string", "date":
            return [date(2026, 2, 25)]
        case "array", _:
            return [[value] for value in good(resolve(schema["items"]))]
    return [Text(schema.get("example", "d1fc5d4e-09a7-4d4c-8b4f-0c1a3a2f4a5e"))]


def bad(schema: Schema) -> list[Any]:
    """Values that the document does not admit: none for a text that may be any."""
    if "enum" in schema:
        return [Text("no-such-value")]
    match schema.get("type"), schema.get("format"):
        case "integer", _:
            return [Text("x"), 1.5, *_beyond(schema)]
        case "number", _:
            return [Text("x"), *_beyond(schema)]
        case ("boolean", _) | ("string", "date-time" | "date" | "uuid"):
            return [Text("x")]
        case "array", _:
            return [[value] for value in bad(resolve(schema["items"]))]
    return []


def _beyond(schema: Schema) -> list[int]:
    return [schema[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in schema]


def needed(operation: Operation) -> dict[str, Any]:
    """The arguments without which an operation cannot be called."""
    parameters = (parameter for parameter in operation.parameters if parameter.required)
    return {python_name(parameter.name): good(parameter.schema)[0] for parameter in parameters}


def read(text: str, schema: Schema) -> Any:
    """What a server understands that reads a parameter as the document says."""
    match schema.get("type"), schema.get("format"):
        case "integer", _:
            return int(text)
        case "number", _:
            return float(text)
        case "boolean", _:
            return {"true": True, "false": False}[text]
        case "string", "date-time":
            return datetime.fromisoformat(text)
        case "string", "date":
            return date.fromisoformat(text)
        case "array", _:
            return [read(text, resolve(schema["items"]))]
    return text
