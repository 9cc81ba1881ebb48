"""Valid and invalid values for parameters, and how a server parses them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

from tests.support.api_document import Operation, Schema, resolve
from tests.support.contract_clients import python_name


class Text(str):
    """A string that a generated function accepts as a time, a date or an enum member."""

    def isoformat(self) -> str:
        return str(self)

    @property
    def value(self) -> str:
        return str(self)


def valid_values(schema: Schema) -> list[Any]:
    """Return valid values: the bounds of a number, and first a value that is not the default."""
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
            return [[value] for value in valid_values(resolve(schema["items"]))]
    return [Text(schema.get("example", "d1fc5d4e-09a7-4d4c-8b4f-0c1a3a2f4a5e"))]


def invalid_values(schema: Schema) -> list[Any]:
    """Return invalid values; none for a free string."""
    if "enum" in schema:
        return [Text("no-such-value")]
    match schema.get("type"), schema.get("format"):
        case "integer", _:
            return [Text("x"), 1.5, *_out_of_bounds(schema)]
        case "number", _:
            return [Text("x"), *_out_of_bounds(schema)]
        case ("boolean", _) | ("string", "date-time" | "date" | "uuid"):
            return [Text("x")]
        case "array", _:
            return [[value] for value in invalid_values(resolve(schema["items"]))]
    return []


def _out_of_bounds(schema: Schema) -> list[int]:
    return [schema[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in schema]


def required_arguments(operation: Operation) -> dict[str, Any]:
    """Return the arguments that a call of an operation requires."""
    parameters = (parameter for parameter in operation.parameters if parameter.required)
    return {python_name(parameter.name): valid_values(parameter.schema)[0] for parameter in parameters}


def parse_value(text: str, schema: Schema) -> Any:
    """Return a parameter as a server parses it by its schema."""
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
            return [parse_value(text, resolve(schema["items"]))]
    return text
