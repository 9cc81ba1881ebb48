"""Change the API document in every small way, and see what notices: the tests of the contract, tested.

Each mutant is tried in both directions. The server moved and our client is old: Prism serves the mutant, and the
contract tests of this tree run against it. The document moved and our client is regenerated: spec-diff tells it, or the
contract tests in a copy of the tree with the mutant in it do. A mutant is breaking where spec-diff says so.
"""

from __future__ import annotations

import argparse
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from scripts import generate
from scripts.contract.diff import differences
from scripts.contract.openapi_documents import METHODS, ROOT

TABLE = ROOT / "docs" / "mutation-testing.md"
OTHER_TYPES = {"integer": "string", "string": "integer", "boolean": "string", "array": "string", "object": "string"}
PAIRS = 12
BOTH = "two at once: "
TESTS = ["tests/contract", "--ignore=tests/contract/test_live.py", "--ignore=tests/contract/test_mock.py"]
COPIED = ("scripts", "tests", "wrapper", "generated", "pyproject.toml", "openapi.yaml")
SECONDS = 300
UNNOTICED = "nothing"
DOCUMENT_ALONE = "its document alone"
"""What a moved server answers a client of before gives it away in no way; spec-diff tells it from the new document."""


class Mutant(NamedTuple):
    name: str
    document: dict[str, Any]


class Verdict(NamedTuple):
    """What noticed a mutant first, in each direction; a test is told by its name."""

    name: str
    breaking: bool
    server_moved: str
    document_moved: str

    @property
    def survived(self) -> bool:
        return self.breaking and UNNOTICED in (self.server_moved, self.document_moved)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="N", help="try so many, drawn at random, and keep the table")
    parser.add_argument("--only", metavar="TEXT", help="try those with this in their name, and keep the table")
    parser.add_argument("--seed", type=int, default=7, help="of what is drawn (default: %(default)s)")
    options = parser.parse_args(arguments)
    old = YAML(typ="safe").load(ROOT / "openapi.yaml")
    luck = random.Random(options.seed)  # noqa: S311 - no secret
    mutants = [mutant for mutant in all_mutants(old, luck) if not options.only or options.only in mutant.name]
    if options.sample:
        mutants = luck.sample(mutants, min(options.sample, len(mutants)))
    verdicts = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for verdict in pool.map(lambda mutant: judge(old, mutant), mutants):
            verdicts.append(verdict)
            print(f"[{len(verdicts)}/{len(mutants)}] {row(verdict)}", flush=True)
    survivors = [verdict for verdict in verdicts if verdict.survived]
    print(f"{len(verdicts)} mutants, {sum(v.breaking for v in verdicts)} breaking, {len(survivors)} of these survived")
    if not options.sample and not options.only:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table(verdicts), encoding="utf-8")
    return 1 if survivors else 0


def all_mutants(old: dict[str, Any], luck: random.Random) -> Iterator[Mutant]:
    changes = list(changes_of(old))
    for name, change in changes:
        yield mutant_of(old, name, [change])
    for _ in range(PAIRS):
        (one, first), (two, second) = luck.sample(changes, 2)
        yield mutant_of(old, f"{BOTH}{one}; {two}", [first, second])


Change = Callable[[dict[str, Any]], Any]


def mutant_of(old: dict[str, Any], name: str, changes: list[Change]) -> Mutant:
    document = copy.deepcopy(old)
    for change in changes:
        try:
            change(document)
        except (KeyError, IndexError):  # the first of two took the place of the second away
            continue
    return Mutant(name, document)


def changes_of(old: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    yield "the server's address", lambda d: d["servers"][0].update(url="https://elsewhere.example")
    for name in old["components"]["securitySchemes"]:
        scheme = ("components", "securitySchemes", name)
        yield f"the header of {name}", setting(*scheme, "name", to="x-other-key")
        yield f"{name} in the query", setting(*scheme, "in", to="query")
    for path, item in old["paths"].items():
        yield f"{path} is renamed", renaming("paths", path, to=f"{path}-v2")
        for method in METHODS:
            if method in item:
                yield from changes_of_operation(item[method], ("paths", path, method), f"{method.upper()} {path}")
    for name, schema in old["components"]["schemas"].items():
        yield from changes_of_schema(schema, ("components", "schemas", name), name)


def changes_of_operation(said: dict[str, Any], at: tuple[Any, ...], name: str) -> Iterator[tuple[str, Change]]:
    yield f"{name} becomes POST", renaming(*at, to="post")
    yield f"the operationId of {name}", setting(*at, "operationId", to="somethingElse")
    for place, parameter in enumerate(said.get("parameters", ())):
        here, what = (*at, "parameters", place), f"parameter {parameter['name']}"
        yield f"{what} is removed", removing(*here)
        yield f"{what} is renamed", setting(*here, "name", to=f"{parameter['name']}_v2")
        yield f"{what} is required", setting(*here, "required", to=True)
        yield f"{what} in a header", setting(*here, "in", to="header")
        yield f"the type of {what}", setting(*here, "schema", to={"type": OTHER_TYPES[parameter["schema"]["type"]]})
        for bound, to in (("minimum", 2), ("maximum", 100)):
            if bound in parameter["schema"]:
                yield f"the {bound} of {what}", setting(*here, "schema", bound, to=to)
    for status, response in said["responses"].items():
        here = (*at, "responses", status)
        yield f"status {status} becomes {int(status) + 1}", renaming(*here, to=str(int(status) + 1))
        for media_type in response.get("content", {}):
            yield f"the media type of {status}", renaming(*here, "content", media_type, to="application/vnd.konvo+json")
            yield f"the schema of {status}", setting(*here, "content", media_type, "schema", to={"type": "string"})


def changes_of_schema(said: dict[str, Any], at: tuple[Any, ...], name: str) -> Iterator[tuple[str, Change]]:
    for field in said.get("required", ()):
        left = [other for other in said["required"] if other != field]
        yield (
            f"{name}.{field} is no longer required",
            setting(*at, "required", to=left) if left else removing(*at, "required"),
        )
    for field, schema in said.get("properties", {}).items():
        here, what = (*at, "properties", field), f"{name}.{field}"
        yield f"{what} is removed", removing(*here)
        yield f"{what} is renamed", renaming(*here, to=f"{field}_v2")
        yield f"the type of {what}", setting(*here, to={"type": OTHER_TYPES[schema.get("type", "object")]})
        if "$ref" in schema:
            yield f"{what} is nullable", setting(*here, to={"nullable": True, "allOf": [{"$ref": schema["$ref"]}]})
            continue
        yield f"{what} is nullable", setting(*here, "nullable", to=True)
        if "format" in schema:
            yield f"the format of {what}", removing(*here, "format")
        for value in schema.get("enum", ()):
            values = schema["enum"]
            yield f"{what} loses {value}", setting(*here, "enum", to=[other for other in values if other != value])
            yield f"{what} renames {value}", setting(*here, "enum", to=[f"{v}_v2" if v == value else v for v in values])
        if schema.get("type") == "array":
            yield f"the items of {what}", setting(*here, "items", to={"type": "integer"})


def inside(document: Any, at: Sequence[Any]) -> Any:
    for step in at:
        document = document[step]
    return document


def setting(*at: Any, to: Any) -> Change:
    return lambda document: inside(document, at[:-1]).update({at[-1]: copy.deepcopy(to)})


def removing(*at: Any) -> Change:
    return lambda document: inside(document, at[:-1]).pop(at[-1])


def renaming(*at: Any, to: str) -> Change:
    """In its place, as an order may be all that tells one from another."""

    def rename(document: Any) -> None:
        holder = inside(document, at[:-1])
        renamed = {to if key == at[-1] else key: value for key, value in holder.items()}
        holder.clear()
        holder.update(renamed)

    return rename


def judge(old: dict[str, Any], mutant: Mutant) -> Verdict:
    breaking = any(change.breaking for change in differences(old, mutant.document))
    with tempfile.TemporaryDirectory(prefix="konvo-mutant-") as folder:
        document = Path(folder, "openapi.yaml")
        YAML(typ="safe").dump(mutant.document, document)
        server_moved = first_failure(ROOT, "--mock-document", str(document))
        if server_moved == UNNOTICED and breaking:
            server_moved = DOCUMENT_ALONE
        document_moved = "spec-diff" if breaking else failure_of_regenerated(document, Path(folder))
    return Verdict(mutant.name, breaking, server_moved, document_moved)


def failure_of_regenerated(document: Path, folder: Path) -> str:
    tree = folder / "tree"
    tree.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name)
        else:
            shutil.copy(ROOT / name, tree / name)
    (tree / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copy(document, tree / "openapi.yaml")
    try:
        package = generate.generate(tree / "openapi.yaml", folder)
    except generate.GenerationError:
        return "make generate"
    generate.swap(package, tree / "generated" / generate.PACKAGE, aside=folder / "old")
    return first_failure(tree)


def first_failure(tree: Path, *options: str) -> str:
    """The first contract test that fails, or `nothing`."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS, *options]
    path = os.pathsep.join(str(tree / name) for name in ("wrapper", "generated"))
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=SECONDS
    )
    if not done.returncode:
        return UNNOTICED
    failed = re.search(r"^(?:FAILED|ERROR) \S*?::(\w+)", done.stdout, re.MULTILINE)
    return failed[1] if failed else "the tests cannot start"


def row(verdict: Verdict) -> str:
    kind = "breaking" if verdict.breaking else "compatible"
    return f"| {verdict.name} | {kind} | {verdict.server_moved} | {verdict.document_moved} |"


def table(verdicts: list[Verdict]) -> str:
    breaking = [verdict for verdict in verdicts if verdict.breaking]
    survived = [verdict for verdict in breaking if verdict.survived]
    silent = [verdict for verdict in breaking if verdict.server_moved == DOCUMENT_ALONE]
    return f"""\
# What notices a change of the API

By `make mutants`: {len(verdicts)} changes of openapi.yaml, of which {len(breaking)} break users of the client, and what
noticed each first: a contract test, by its name, or spec-diff. {len(survived)} of those that break went unnoticed. Of
{len(silent)} a mock that serves the changed document gives nothing away to the client of before: a
null that it never makes up, a value that is no longer sent, a parameter that this client sends anyway, a name that no
request has. The scheduled look at the pages of the API's documentation, which is a spec-diff, is what tells these.

| change | for users | the server moved | the document moved |
|---|---|---|---|
""" + "\n".join([*map(row, verdicts), ""])


if __name__ == "__main__":
    sys.exit(main())
