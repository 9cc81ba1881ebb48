"""Read the pages of the API's documentation: the API documents that they contain, and where one is malformed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from scripts.contract.merge import load_editable
from scripts.contract.openapi_documents import METHODS, InvalidDocumentError, parse

TIMEOUT = 30.0
"""Seconds for one request."""
FENCE = re.compile(r"^(`{3,}|~{3,})(?:ya?ml|json)\b[^\n]*\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
FREE = ("example", "examples", "default", "enum", "const")
"""Keys whose values may be anything, null too."""


def read_source(source: str) -> str:
    """Return the text of a file or an https:// address."""
    if not source.startswith("https://"):
        if "://" in source:
            raise InvalidDocumentError(f"{source} is not an https:// address: only https:// addresses are read.")
        return decoded(Path(source).read_bytes(), source)
    try:
        return httpx.get(source, timeout=TIMEOUT, follow_redirects=True).raise_for_status().text
    except httpx.HTTPError as error:
        raise InvalidDocumentError(f"{source} cannot be read: {error}") from None


def decoded(content: bytes, source: str) -> str:
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidDocumentError(f"{source}, line {line}: this is not UTF-8; save the file as UTF-8.") from None


def documents_in(text: str, source: str) -> dict[str, CommentedMap]:
    """Return the API documents of a text by the place where they are: the text itself, or blocks of Markdown.

    Raises:
        InvalidDocumentError: There is none, or one is malformed.
    """
    blocks = [(block[2], text[: block.start(2)].count("\n")) for block in FENCE.finditer(text)]
    if blocks:
        found = [block for block in blocks if re.search(r"^\W*(openapi|paths)\b", block[0], re.MULTILINE)]
        blocks = found or blocks[:1]
    blocks = blocks or [(text, 0)]
    documents = {}
    for index, (block, before) in enumerate(blocks):
        if re.search(r"^paths:\n +path: .*\n +method: ", block, re.MULTILINE):
            advice = "use the page's OpenAPI block, which begins with `openapi:`"
            raise InvalidDocumentError(f"{source}, line {before + 1}: this is an old export of Mintlify; {advice}.")
        if not block.lstrip().startswith("{"):
            parse(block, source, lines_before=before)  # unknown tags, with their line
        document = load_editable(block, source, before)
        check_shape(document, source, before)
        documents[source if len(blocks) == 1 else f"{source}, block {index + 1}"] = document
    return documents


def check_shape(document: CommentedMap, source: str, before: int) -> None:
    """Raise `InvalidDocumentError` for the first value that is missing, or has another type than OpenAPI gives it."""
    for line, path, problem in faults(document, "", 1):
        raise InvalidDocumentError(f"{source}, line {before + line}, {path}: {problem}")


def faults(value: Any, path: str, line: int) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the path and the fault of each malformed value."""
    name = path.rpartition(" > ")[2]
    if name in FREE and "properties" not in path.split(" > ")[-2:-1]:
        return
    if value is None:
        yield line, path, "there is no value; fill it in, or remove it."
    elif not isinstance(value, expected_type(path)):
        kind = "list" if expected_type(path) is list else "mapping"
        yield line, path, f"this must be a {kind}, not {type(value).__name__}; correct it."
    elif isinstance(value, CommentedMap):
        for key, inner in value.items():
            if not str(key).startswith("x-"):
                yield from faults(inner, f"{path} > {key}".removeprefix(" > "), line_of(value, key) or line)
    elif isinstance(value, CommentedSeq):
        for index, inner in enumerate(value):
            yield from faults(inner, f"{path} > {index}", line_of(value, index) or line)


def line_of(parent: Any, key: Any) -> int | None:
    places = getattr(parent.lc, "data", None) or {}
    return int(places[key][0]) + 1 if key in places else None


def expected_type(path: str) -> type | tuple[type, ...]:
    """Return the type of what the tools of this repository take apart."""
    steps = path.split(" > ")
    if steps[0] == "components" and len(steps) < 3:
        return dict
    if steps[0] == "paths" and (len(steps) < 3 or (len(steps) == 3 and steps[2] in METHODS)):
        return dict
    if steps[0] == "paths" and len(steps) in (3, 4) and steps[-1] == "parameters":
        return list
    if steps[0] == "paths" and len(steps) in (4, 5) and steps[-2] == "parameters":
        return dict
    return object
