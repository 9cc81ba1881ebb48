"""Write wrapper/konvoai/_generated: a typed resource for each list operation of the API document.

`scripts.generate` runs it with the fresh package first on the path, so that it reads the builders and models of that.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
import typing
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from openapi_python_client.strings import ClassName, PythonIdentifier

from scripts.contract.openapi_documents import ROOT, load, operations, resolve_ref

NAME = "_generated"
HAND_WRITTEN = ROOT / "wrapper" / "konvoai" / "_resources.py"
ROOM = '''"""What the clients offer for each list operation of the API document; written by `make generate`.

`attributes` names the resources and is imported with the clients; `lists` has their classes, typed by the builders and
models of the generated package. Do not edit: a class of the same name in `_resources` takes the place of a written one.
The modules may import `_resources`, `_pagination` and `models`.
"""
'''
IMPORTS = """\
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID

"""
WORDS = {
    "page": "The page to start at, as the server numbers pages; None for the first, whatever its number.",
    "limit": "Records per request.",
    "concurrency": "The maximum number of requests in flight.",
    "lag": "How long after its time a change may become visible; None is 5 seconds.",
}


class ListResource(NamedTuple):
    """A list operation as the clients offer it.

    Attributes:
        name: The attribute of the clients.
        class_name: The name of its class.
        command: The name of its command group.
        endpoint: The method and path.
        module: The generated module of its builder.
        envelope: The generated class of its response.
        parameters: The schemas of its parameters, by Python name.
        written: Whether `_resources` has its class.
    """

    name: str
    class_name: str
    command: str
    endpoint: str
    module: Any
    envelope: type
    parameters: dict[str, dict[str, Any]]
    written: bool


def list_resources(document: dict[str, Any]) -> Iterator[ListResource | str]:
    """Yield the list operations; in place of one that cannot be offered, a line that says why."""
    by_hand, taken = hand_written(), set[str]()
    for endpoint, operation in operations(document).items():
        name = str(PythonIdentifier(operation.get("tags", ["default"])[0], ""))
        function = str(PythonIdentifier(operation["operationId"], ""))
        module = import_module(f"konvo_api_client.api.{name}.{function}")
        envelope, problem = find_envelope(module)
        if envelope is None or not endpoint.startswith("GET "):
            if problem or envelope:
                yield f"{endpoint}: {problem or 'it is not a GET'}; it is offered by konvo.api alone"
            continue
        if name in taken:
            name = function.removeprefix("list_").removeprefix("get_")
        taken.add(name)
        resolved = [resolve_ref(document, parameter) for parameter in operation.get("parameters", ())]
        schemas = {str(PythonIdentifier(one["name"], "")): one for one in resolved}
        plain = str(ClassName(name, ""))
        cls, command = by_hand.get(plain.lower(), (plain, name.replace("_", "-")))
        yield ListResource(name, cls, command, endpoint, module, envelope, schemas, plain.lower() in by_hand)


def find_envelope(module: Any) -> tuple[type | None, str]:
    """Return the class of a response with one list of objects; or None, and for a list why it is not offered."""
    from konvoai._decoding.fields import envelope_of, union_members

    returned = typing.get_type_hints(module.sync)["return"] if hasattr(module, "sync") else None
    problem = ""
    for member in union_members(returned):
        try:
            if hasattr(member, "from_dict") and envelope_of(member):
                return member, ""
        except ValueError as error:
            problem = problem or (str(error) if "lists" in str(error) and "no lists" not in str(error) else "")
        if typing.get_origin(member) is list:
            problem = "its response is a list without an object around it"
    return None, problem


def hand_written() -> dict[str, tuple[str, str]]:
    """Return the names and commands of the resource classes that are written by hand, by their name in lower case."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.parse(HAND_WRITTEN.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            values = {ast.unparse(line.targets[0]): line.value for line in node.body if isinstance(line, ast.Assign)}
            if isinstance(command := values.get("command"), ast.Constant):
                found[node.name.lower()] = (node.name, str(command.value))
    return found


def render_attributes(resources: list[ListResource]) -> str:
    from konvoai._decoding.fields import envelope_of

    lines = [
        '"""The attributes of the clients, by the name of their resource class; imports nothing at runtime."""\n',
        "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:",
        "    from .. import models",
        "    from .._pagination.paginator import AsyncPaginator, AsyncScan, Paginator, Scan",
        "    from . import lists\n",
        f"RESOURCES = {json.dumps({resource.name: resource.class_name for resource in resources})}",
        f"COMMANDS = {json.dumps({resource.command: resource.class_name for resource in resources})}\n",
    ]
    for prefix in ("", "Async"):
        lines.append(f'\nclass {prefix}Lists:\n    """The resources of `{prefix}Konvo`."""\n')
        for resource in resources:
            record = f"models.{envelope_of(resource.envelope).record.__name__}"
            results = f"{prefix}Paginator[{record}], {prefix}Scan[{record}]"
            lines.append(f"    {resource.name}: lists.{resource.class_name}[{results}]")
    return "\n".join(lines) + "\n"


def render_lists(resources: list[ListResource]) -> str:
    """Return the source of the resource classes."""
    classes = [render_class(resource) for resource in resources if not resource.written]
    names = sorted(resource.class_name for resource in resources if resource.written)
    imports = ["from .._resources import DEFAULT_CONCURRENCY, ListT, Resource, ScanT", "from .. import models"]
    imports += [f"from .._resources import {name} as {name}" for name in names]
    imports += [
        f"from {resource.module.__package__} import {resource.module.__name__.rpartition('.')[2]} as {resource.name}"
        for resource in resources
        if not resource.written
    ]
    head = '"""The resource classes; each operation with its parameters."""\n\n' + IMPORTS
    return head + "\n".join(imports) + "\n" + "".join(classes)


def render_class(resource: ListResource) -> str:
    from konvoai._arguments import parameters_of

    names = parameters_of(resource.module._get_kwargs)
    limit = largest_limit(resource.parameters.get(names.limit or "", {}))
    ranges = {name: number_range(resource.parameters.get(name, {})) for name in names.others}
    ranges = {name: found for name, found in ranges.items() if found != (None, None)}
    described = {name: describe(resource, name) for name in names.others}
    flags = {name: words for name, words in described.items() if name in names.flags and "include" in words.lower()}
    filters = {name: words for name, words in described.items() if name not in flags}
    own = [argument(resource, name, names.times) for name in names.others]
    times = [f"{name}: datetime | None = None" for name in names.times or ()]
    first = [f"{names.page}: int | None = None"] if names.page else []
    first += [f"{names.limit}: int = {limit or 100}"] if names.limit else []
    shared = [*times, *own, "concurrency: int = DEFAULT_CONCURRENCY"]
    bounds = f"({', '.join(names.times)})" if names.times else "(None, None)"
    given = "".join(f", {name}={name}" for name in names.others)
    paging = "".join(f", {kind}={name}" for kind, name in (("page", names.page), ("limit", names.limit)) if name)
    text = f'''

class {resource.class_name}(Resource[ListT, ScanT]):
    """`konvo.{resource.name}` (`{resource.endpoint}`)."""

    build = staticmethod({resource.name}._get_kwargs)
    envelope = models.{resource.envelope.__name__}
    command = {resource.command!r}
    flags: ClassVar[Mapping[str, str]] = {flags!r}
    filters: ClassVar[Mapping[str, str]] = {filters!r}
    ranges: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {ranges!r}
    max_limit = {limit!r}
'''
    text += render_method(
        *(resource, "list", [*first, *shared], "ListT"),
        "Returns every record exactly once, in the server's order; no request is sent until you iterate.",
        f"self._paginate(self._query({bounds}, concurrency{paging}{given}))",
    )
    if names.times:
        text += render_method(
            *(resource, "scan", [*shared, "lag: timedelta | None = None"], "ScanT"),
            f"Returns every record by windows of `{names.times[0]}` and `{names.times[1]}`, the earliest first.",
            f"self._scan(self._scan_query({bounds}, concurrency, lag{given}))",
        )
    return text


def number_range(parameter: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return the bounds of a number, or of the numbers of a list."""
    schema = parameter.get("schema", {})
    schema = schema.get("items", schema) if schema.get("type") == "array" else schema
    return schema.get("minimum"), schema.get("maximum")


def largest_limit(parameter: dict[str, Any]) -> int | None:
    """Return the maximum of a limit, which some API documents give in words alone."""
    words = re.search(r"max(?:imum)?\D{0,12}(\d+)", str(parameter.get("description", "")), re.IGNORECASE)
    found = parameter.get("schema", {}).get("maximum") or (words and words[1])
    return int(found) if found else None


def render_method(
    resource: ListResource, name: str, arguments: list[str], returns: str, summary: str, value: str
) -> str:
    names = [argument.partition(":")[0] for argument in arguments]
    described = [f"{one}: {WORDS.get(one) or describe(resource, one)}" for one in names]
    args = "\n".join(textwrap.fill(line, 105, subsequent_indent="    ") for line in described)
    listed = ", ".join(arguments)
    doc = f"{summary}\n\nArgs:\n{textwrap.indent(args, '    ')}\n\nRaises:\n    ValueError: An argument is invalid."
    doc = textwrap.indent(doc, "        ").lstrip().replace("\\", "\\\\").replace('"""', "'''")
    return f'''
    def {name}(self, *, {listed}) -> {returns}:
        """{doc}
        """
        return {value}
'''


def describe(resource: ListResource, name: str) -> str:
    """Return the first sentence that the API document has for a parameter."""
    words = " ".join(str(resource.parameters.get(name, {}).get("description") or "").split())
    words = words or f"The parameter `{name}` of the API document."
    return words if words.endswith(".") else f"{words}."


def argument(resource: ListResource, name: str, times: tuple[str, str] | None) -> str:
    """Return the declaration of a parameter."""
    from konvoai._decoding.fields import union_members

    taken = inspect.signature(resource.module._get_kwargs).parameters[name]
    hint = typing.get_type_hints(resource.module._get_kwargs)[name]
    names = list(dict.fromkeys(type_name(member) for member in union_members(hint)))
    if taken.default is inspect.Parameter.empty:
        return f"{name}: {' | '.join(names)}"
    if isinstance(taken.default, bool | int | float) or type(taken.default) is str:
        return f"{name}: {' | '.join(names)} = {taken.default!r}"
    if isinstance(taken.default, Enum):
        return f"{name}: {' | '.join(names)} = {taken.default.value!r}"
    return f"{name}: {' | '.join([*names, 'None'])} = None"


def type_name(member: Any) -> str:
    """Return the source of a type; an enumeration also takes the texts of its values."""
    from konvoai._decoding.fields import union_members

    if typing.get_origin(member) is list:
        (items,) = typing.get_args(member)
        return f"Sequence[{' | '.join(type_name(item) for item in union_members(items))}]"
    if isinstance(member, type) and issubclass(member, Enum):
        return f"models.{member.__name__} | Literal[{', '.join(repr(item.value) for item in member)}]"
    if hasattr(member, "from_dict"):
        return f"models.{member.__name__}"
    return member.__name__ if member in (str, int, float, bool, datetime, date) else getattr(member, "__name__", "Any")


def main() -> int:
    """Write the room of the arguments' document into a folder; print what cannot be offered."""
    document, folder = Path(sys.argv[1]), Path(sys.argv[2])
    found = list(list_resources(load(document)))
    resources = [resource for resource in found if isinstance(resource, ListResource)]
    folder.mkdir()
    (folder / "__init__.py").write_text(ROOM, encoding="utf-8")
    (folder / "attributes.py").write_text(render_attributes(resources), encoding="utf-8")
    (folder / "lists.py").write_text(render_lists(resources), encoding="utf-8")
    print(*(line for line in found if isinstance(line, str)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
