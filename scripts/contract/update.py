"""Bring openapi.yaml up to newer documents: their paths and components replace those of the same names.

A newer document is OpenAPI in YAML or JSON, or a page of the API's documentation in Markdown with the YAML of one
operation in it; a file, or an https:// address. What the newer documents say wins, what they no longer say of an
operation or a schema that they contain is removed, what they do not contain stays; and so do the amendments, marked
`# amended` in openapi.yaml, where their place is still there and the newer document is silent. Nothing is written
unless the result is valid, passes the linter and gives a client; and nothing at a breaking change, unless
ACCEPT_BREAKING=1 is set.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from scripts import generate
from scripts.contract.diff import differences
from scripts.contract.missing_resources import lists_not_offered, told
from scripts.contract.openapi_documents import DOCUMENT, METHODS, ROOT, BrokenDocumentError, leads_to, parsed
from scripts.contract.release_notes import suggestion

EXAMPLES = """examples:
  python -m scripts.contract.update page.md
  python -m scripts.contract.update --dry-run https://docs.example.com/api/contacts.md contacts.yaml
"""
AMENDED = "# amended"
AMENDED_NAME = "amended: a name that does not follow the path"
SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="FROM", help="a file or an https:// address")
    parser.add_argument("--dry-run", action="store_true", help="print everything, change nothing")
    options = parser.parse_args(arguments)
    try:
        return update(options.sources, options.dry_run)
    except (BrokenDocumentError, generate.GenerationError, OSError) as error:
        print(f"{error}\n{DOCUMENT.name} is as it was.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def update(sources: Sequence[str], dry_run: bool) -> int:
    before = DOCUMENT.read_text(encoding="utf-8")
    old, new = (editable(before, DOCUMENT.name) for _ in range(2))
    pages = {source: document_in(read(source), source) for source in sources}
    refuse_disagreement(pages)
    for page in pages.values():
        merge_document(new, page)
    prune(new, leads_to(old, old["paths"]))
    name_operations(new)
    text = dumped(new)
    changes = differences(plain(old), plain(new))
    print("\n".join(map(str, changes)) or ("nothing has changed" if text == before else "only words have changed"))
    breaking = any(change.breaking for change in changes)
    # Beside the client, as a rename cannot cross file systems.
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=ROOT / "generated") as folder:
        candidate = Path(folder, DOCUMENT.name)
        candidate.write_text(text, encoding="utf-8")
        validate(candidate)
        package = generate.generate(candidate, Path(folder))
        if changes:
            print(*suggestion(changes), sep="\n")
        for offer in lists_not_offered(plain(new)):
            print(f"\n{told(offer)}")
        if breaking and not accepts_breaking():
            print("\nNothing is changed: set ACCEPT_BREAKING=1 to take the breaking changes.", file=sys.stderr)
            return 1
        if not dry_run and text != before:
            replace(candidate, package, aside=Path(folder, "old"))
    return 0


def replace(candidate: Path, package: Path, aside: Path) -> None:
    """The document and the client together, or neither."""
    kept = DOCUMENT.read_bytes()
    os.replace(candidate, DOCUMENT)
    try:
        generate.swap(package, ROOT / "generated" / generate.PACKAGE, aside)
    except BaseException:
        DOCUMENT.write_bytes(kept)
        raise


def accepts_breaking() -> bool:
    return os.environ.get("ACCEPT_BREAKING", "") not in ("", "0")


def read(source: str) -> str:
    if not source.startswith("https://"):
        if "://" in source:
            raise BrokenDocumentError(f"{source}: only https:// addresses are read.")
        return Path(source).read_text(encoding="utf-8")
    try:
        return httpx.get(source, timeout=SECONDS, follow_redirects=True).raise_for_status().text
    except httpx.HTTPError as error:
        raise BrokenDocumentError(f"{source} cannot be read: {error}") from None


def document_in(text: str, source: str) -> CommentedMap:
    """The OpenAPI document that a text is, or that stands in a page of Markdown."""
    fenced = re.search(r"^(`{3,})ya?ml\b[^\n]*\n(.*?)^\1\s*$", text, re.DOTALL | re.MULTILINE)
    lines_before = text[: fenced.start(2)].count("\n") if fenced else 0
    return editable(fenced[2] if fenced else text, source, lines_before)


def editable(text: str, source: str, lines_before: int = 0) -> CommentedMap:
    """A document with its comments and its order."""
    if text.lstrip().startswith("{"):  # the flow style of JSON would stay as it is
        text = dumped(parsed(text, source))
    document: CommentedMap = parsed(text, source, style(), lines_before)
    return document


def style() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 80
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def dumped(document: Any) -> str:
    text = io.StringIO()
    style().dump(document, text)
    return text.getvalue()


def plain(document: Any) -> Any:
    return YAML(typ="safe").load(dumped(document))


def refuse_disagreement(pages: dict[str, CommentedMap]) -> None:
    """Two documents must not say different things of one name."""
    said: dict[str, tuple[str, Any]] = {}
    for source, page in pages.items():
        for place, part in parts(page):
            other, found = said.setdefault(place, (source, part))
            if plain(found) != plain(part):
                both = "\n".join(f"{who} says:\n{dumped(what)}" for who, what in ((other, found), (source, part)))
                raise BrokenDocumentError(f"{other} and {source} disagree on {place}.\n{both}")


def parts(document: CommentedMap) -> Iterator[tuple[str, Any]]:
    """What one name stands for: each operation, each component, the servers and the security."""
    yield from ((key, document[key]) for key in ("openapi", "servers", "security") if key in document)
    for path, item in document["paths"].items():
        yield from ((f"{key.upper()} {path}", part) for key, part in item.items() if key in METHODS)
    for section, components in document.get("components", {}).items():
        yield from ((f"{section} {name}", part) for name, part in components.items())


def merge_document(ours: CommentedMap, theirs: CommentedMap) -> None:
    for key, value in theirs.items():
        if key not in ("paths", "components"):
            put(ours, key, value, list(theirs))
    for path, item in theirs["paths"].items():
        here = ours["paths"].setdefault(path, CommentedMap())
        for key, value in item.items():
            put(here, key, value, list(item))
    for section, components in theirs.get("components", {}).items():
        here = ours.setdefault("components", CommentedMap()).setdefault(section, CommentedMap())
        for name, value in components.items():
            put(here, name, value, list(components))


def put(ours: CommentedMap, key: str, theirs: Any, order: list[str]) -> None:
    """One key of theirs into ours: where it was, or else behind the one that it follows in theirs."""
    if key in ours:
        if AMENDED in comment_at(ours, key):  # they have come to say it themselves
            ours.ca.items.pop(key, None)
            ours[key] = theirs
        else:
            ours[key] = merged(ours[key], theirs)
        return
    before = [name for name in order[: order.index(key)] if name in ours]
    ours.insert(list(ours).index(before[-1]) + 1 if before else len(ours), key, theirs)


def merged(ours: Any, theirs: Any) -> Any:
    """What theirs says, with the comments and the order of ours, and with those amendments of ours it is silent on."""
    if isinstance(ours, CommentedMap) and isinstance(theirs, CommentedMap):
        for key in [key for key in ours if key not in theirs and AMENDED not in comment_at(ours, key)]:
            del ours[key]
        for key, value in theirs.items():
            put(ours, key, value, list(theirs))
        return ours
    if isinstance(ours, CommentedSeq) and isinstance(theirs, CommentedSeq):
        known = {name_of(item): item for item in ours}
        items = [merged(known[name_of(item)], item) if name_of(item) in known else item for item in theirs]
        if items != list(ours):
            ours[:] = items
        return ours
    return ours if ours == theirs and type(plain(ours)) is type(plain(theirs)) else theirs


def name_of(item: Any) -> str:
    """What tells an item of a list from the others: parameters have names, all others are what they say."""
    if isinstance(item, dict) and "name" in item:
        return f"{item['name']} in {item.get('in')}"
    return repr(plain(item))


def comment_at(ours: CommentedMap, key: str) -> str:
    """The comments beside a key, and those on its line where its value begins below."""
    value = ours[key]
    beside = ours.ca.items.get(key)
    within = getattr(value, "ca", None)
    return f"{texts(beside)}{texts(within.comment) if within else ''}"


def texts(tokens: Any) -> str:
    if isinstance(tokens, list | tuple):
        return "".join(map(texts, tokens))
    return str(getattr(tokens, "value", ""))


def prune(document: CommentedMap, before: set[str]) -> None:
    """Takes out what operations led to before, and no longer do."""
    for ref in before - leads_to(document, document["paths"]):
        section, _, name = ref.removeprefix("#/components/").partition("/")
        document["components"][section].pop(name, None)


def name_operations(document: CommentedMap) -> None:
    """Names for what has none, as the generator's own would move with path and answer: listContacts, of contacts."""
    for path, item in document["paths"].items():
        words = [word for word in re.split(r"[^A-Za-z0-9]+", re.sub(r"{[^}]*}", "", path)) if word]
        for method in (method for method in METHODS if method in item):
            operation = item[method]
            queries = {parameter.get("name") for parameter in operation.get("parameters", ())}
            verb = "list" if method == "get" and {"page", "limit"} <= queries else method
            names = {"operationId": verb + "".join(word[0].upper() + word[1:] for word in words), "tags": words[:1]}
            for place, (key, name) in enumerate(names.items()):
                if key not in operation:
                    operation.insert(place, key, CommentedSeq(name) if key == "tags" else name, AMENDED_NAME)


def validate(document: Path) -> None:
    commands = {
        "not valid": [sys.executable, "-m", "openapi_spec_validator", "--validation-errors", "all", str(document)],
        "not as the linter wants it": lint_command(document),
    }
    for fault, command in commands.items():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).replace(str(document), DOCUMENT.name).strip()
            raise BrokenDocumentError(f"What the documents give is {fault}:\n{said}")


def lint_command(document: Path) -> list[str]:
    spectral = ROOT / "node_modules" / ".bin" / "spectral"
    ruleset = str(ROOT / ".spectral.yaml")
    return [str(spectral), "lint", "--quiet", "--fail-severity", "warn", "--ruleset", ruleset, str(document)]


if __name__ == "__main__":
    sys.exit(main())
