"""Find the lists of the API document that the wrapper does not offer yet, and the code that adds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from openapi_python_client.strings import ClassName, PythonIdentifier

from scripts.contract.openapi_documents import operations, resolve_ref

PAGE_PARAMETERS = ("page", "limit")
TIME_FILTERS = ("updated_at_min", "updated_at_max")


class ListOperation(NamedTuple):
    """An operation with parameters `page` and `limit`, whose response has a `count` and one list.

    Attributes:
        name: The resource, an attribute of the client.
        function: The generated module.
        envelope: The generated class of the response.
        record: The generated class of a record.
        parameters: The schemas of the parameters, by Python name.
        endpoint: The method and path.
    """

    name: str
    function: str
    envelope: str
    record: str
    parameters: dict[str, dict[str, Any]]
    endpoint: str


def missing_lists(document: dict[str, Any]) -> list[ListOperation]:
    """Return the list operations that are not an attribute of the client."""
    from konvoai import Konvo  # late: after an update of generated/

    with Konvo("none") as konvo:
        offered = {name for name, resource in vars(konvo).items() if hasattr(resource, "list")}
    return [operation for operation in list_operations(document) if operation.name not in offered]


def list_operations(document: dict[str, Any]) -> Iterator[ListOperation]:
    for name, operation in operations(document).items():
        resolved = [resolve_ref(document, parameter) for parameter in operation.get("parameters", ())]
        parameters = {parameter["name"]: resolve_ref(document, parameter.get("schema", {})) for parameter in resolved}
        content = resolve_ref(document, operation.get("responses", {}).get("200", {})).get("content", {})
        ref = content.get("application/json", {}).get("schema", {})
        properties = resolve_ref(document, ref).get("properties", {})
        arrays = [schema for schema in properties.values() if resolve_ref(document, schema).get("type") == "array"]
        if (
            name.startswith("GET ")
            and set(PAGE_PARAMETERS) <= parameters.keys()
            and "count" in properties
            and len(arrays) == 1
        ):
            yield ListOperation(
                name=str(PythonIdentifier(operation.get("tags", ["default"])[0], "")),
                function=str(PythonIdentifier(operation["operationId"], "")),
                envelope=class_name(ref),
                record=class_name(resolve_ref(document, arrays[0])["items"]),
                parameters={str(PythonIdentifier(name, "")): schema for name, schema in parameters.items()},
                endpoint=name,
            )


def class_name(schema: dict[str, Any]) -> str:
    """Return the generated class of a $ref."""
    return str(ClassName(schema.get("$ref", "object").rpartition("/")[2], ""))


def code_to_add(operation: ListOperation) -> dict[str, str]:
    """Return the code that offers an operation, by the file or method that it belongs to."""
    cls = str(ClassName(operation.name, ""))
    sync_type, async_type = (
        f"{cls}[{prefix}Paginator[{operation.record}], {prefix}Scan[{operation.record}]]" for prefix in ("", "Async")
    )
    client = "wrapper/konvoai/_client.py"
    return {
        "wrapper/konvoai/_resources.py": render_class(operation, cls),
        f"{client}, BaseClient.__init__": f"        self.{operation.name}: Any = _resources.{cls}(*results)\n",
        f"{client}, Konvo": f"    {operation.name}: _resources.{sync_type}\n",
        f"{client}, AsyncKonvo": f"    {operation.name}: _resources.{async_type}\n",
    }


def render_class(operation: ListOperation, cls: str) -> str:
    return f"""\
from konvo_api_client.api.{operation.name} import {operation.function}

from .models import {operation.envelope}


class {cls}(Resource[ListT, ScanT]):
    \"\"\"`konvo.{operation.name}`.\"\"\"

    build = staticmethod({operation.function}._get_kwargs)
    envelope = {operation.envelope}
    command = "{operation.name.replace("_", "-")}"
    flags: ClassVar[Mapping[str, str]] = {render_flags(operation)}
{render_methods(operation)}"""


def render_flags(operation: ListOperation) -> str:
    """Return the help texts of the parameters that add fields to a record."""
    flags = [name for name, schema in operation.parameters.items() if schema.get("type") == "boolean"]
    return "{" + ", ".join(f'"{name}": "Include the {name.replace("_", " ")}."' for name in flags) + "}"


def render_methods(operation: ListOperation) -> str:
    """Return the source of `list`, and of `scan` where the operation has time filters."""
    has_times = set(TIME_FILTERS) <= operation.parameters.keys()
    known = {*PAGE_PARAMETERS, *TIME_FILTERS}
    others = {name: schema for name, schema in operation.parameters.items() if name not in known}
    times = [f"{name}: datetime | None = None" for name in TIME_FILTERS if has_times]
    include = [f"{name}: {argument_type(schema)}" for name, schema in others.items()]
    shared = [*times, *include, "concurrency: int = 8"]
    bounds = f"validate_period({', '.join(TIME_FILTERS)})" if has_times else "(None, None)"
    included = "".join(f", {name}={name}" for name in others)
    methods = render_method(
        *("list", ["*", "page: int | None = None", "limit: int = MAX_LIMIT", *shared], "ListT"),
        f"Return every record exactly once, in the server's order (`{operation.endpoint}`).",
        f"self._paginate(self._query({bounds}, concurrency, page=page, limit=limit{included}))",
    )
    if has_times:
        methods += render_method(
            *("scan", ["*", *shared], "ScanT", f"Return every record by time windows (`{operation.endpoint}`)."),
            f"self._scan(self._query({bounds}, concurrency{included}))",
        )
    return methods


def argument_type(schema: dict[str, Any]) -> str:
    if schema.get("type") == "boolean":
        return f"bool = {bool(schema.get('default'))}"
    plain = {"integer": "int", "number": "float"}.get(schema.get("type", ""), "str")
    return f"{plain} | None = None"


def render_method(name: str, parameters: list[str], returns: str, docstring: str, value: str) -> str:
    lines = "".join(f"        {parameter},\n" for parameter in ["self", *parameters])
    return f"""
    def {name}(
{lines}    ) -> {returns}:
        \"\"\"{docstring}\"\"\"
        return {value}
"""


def instructions(operation: ListOperation) -> str:
    """Return what is left to do by hand."""
    blocks = "\n".join(f"in {path}:\n\n{code}" for path, code in code_to_add(operation).items())
    return f"konvo.{operation.name} is not offered yet; add these lines, then run make format:\n\n{blocks}"
