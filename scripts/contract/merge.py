"""Merge a newer API document into ours, and keep our comments, order and amendments."""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from scripts.contract.openapi_documents import METHODS, parse, referenced_components

AMENDED = "# amended"
"""The comment that marks what we added to the document of the API's publisher."""
AMENDED_NAME = "amended: a name that does not follow the path"


def load_editable(text: str, source: str, lines_before: int = 0) -> CommentedMap:
    """Return a document with its comments and its order."""
    if text.lstrip().startswith("{"):  # JSON would keep its flow style
        text = dump(parse(text, source))
    document: CommentedMap = parse(text, source, round_trip_yaml(), lines_before)
    return document


def round_trip_yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 80
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def dump(document: Any) -> str:
    text = io.StringIO()
    round_trip_yaml().dump(document, text)
    return text.getvalue()


def to_plain(document: Any) -> Any:
    """Return a document as plain dicts, lists and scalars."""
    return YAML(typ="safe").load(dump(document))


def merge_document(ours: CommentedMap, theirs: CommentedMap) -> None:
    """Merge their document into ours: their operations and components replace those of the same names."""
    for key, value in theirs.items():
        if key not in ("paths", "components"):
            merge_key(ours, key, value, list(theirs))
    for path, item in theirs["paths"].items():
        target = ours["paths"].setdefault(path, CommentedMap())
        for key, value in item.items():
            merge_key(target, key, value, list(item))
    for section, components in theirs.get("components", {}).items():
        target = ours.setdefault("components", CommentedMap()).setdefault(section, CommentedMap())
        for name, value in components.items():
            merge_key(target, name, value, list(components))


def merge_key(ours: CommentedMap, key: str, theirs: Any, order: list[str]) -> None:
    """Merge one key; a new key goes after the one that it follows in their document."""
    if key in ours:
        if AMENDED in comments_at(ours, key):  # their document now has it: the amendment is obsolete
            ours.ca.items.pop(key, None)
            ours[key] = theirs
        else:
            ours[key] = merge_value(ours[key], theirs)
        return
    before = [name for name in order[: order.index(key)] if name in ours]
    ours.insert(list(ours).index(before[-1]) + 1 if before else len(ours), key, theirs)


def merge_value(ours: Any, theirs: Any) -> Any:
    """Return their value with our comments, our order, and our amendments where their document has no value."""
    if isinstance(ours, CommentedMap) and isinstance(theirs, CommentedMap):
        for key in [key for key in ours if key not in theirs and AMENDED not in comments_at(ours, key)]:
            del ours[key]
        for key, value in theirs.items():
            merge_key(ours, key, value, list(theirs))
        return ours
    if isinstance(ours, CommentedSeq) and isinstance(theirs, CommentedSeq):
        known = {item_key(item): item for item in ours}
        items = [merge_value(known[item_key(item)], item) if item_key(item) in known else item for item in theirs]
        if items != list(ours):
            ours[:] = items
        return ours
    return ours if ours == theirs and type(to_plain(ours)) is type(to_plain(theirs)) else theirs


def item_key(item: Any) -> str:
    """Return what identifies an item of a list: a parameter's name and location, or else the item itself."""
    if isinstance(item, dict) and "name" in item:
        return f"{item['name']} in {item.get('in')}"
    return repr(to_plain(item))


def comments_at(ours: CommentedMap, key: str) -> str:
    """Return the comments on the line of a key, also where its value begins on the next line."""
    value = ours[key]
    inline = ours.ca.items.get(key)
    within = getattr(value, "ca", None)
    return f"{comment_text(inline)}{comment_text(within.comment) if within else ''}"


def comment_text(tokens: Any) -> str:
    if isinstance(tokens, list | tuple):
        return "".join(map(comment_text, tokens))
    return str(getattr(tokens, "value", ""))


def prune_components(document: CommentedMap, before: set[str]) -> None:
    """Remove components that operations used before the merge and no longer use."""
    for ref in before - referenced_components(document, document["paths"]):
        section, _, name = ref.removeprefix("#/components/").partition("/")
        document["components"][section].pop(name, None)


def name_operations(document: CommentedMap) -> None:
    """Add operationIds and tags where they are missing: the generator's own names depend on path and response."""
    for path, item in document["paths"].items():
        words = [word for word in re.split(r"[^A-Za-z0-9]+", re.sub(r"{[^}]*}", "", path)) if word]
        for method in (method for method in METHODS if method in item):
            operation = item[method]
            queries = {parameter.get("name") for parameter in operation.get("parameters", ())}
            verb = "list" if method == "get" and {"page", "limit"} <= queries else method
            names = {
                "operationId": verb + "".join(word[0].upper() + word[1:] for word in words),
                "tags": ["-".join(words)],
            }
            for index, (key, name) in enumerate(names.items()):
                if key not in operation:
                    operation.insert(index, key, CommentedSeq(name) if key == "tags" else name, AMENDED_NAME)
