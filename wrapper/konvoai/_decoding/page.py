"""From an answer's bytes to its records: strict about the envelope, tolerant about what is in it."""

import functools
import gc
import os
import threading
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from .. import models
from ..models import UNSET
from .decoder import decoder
from .drift import Departure, Drift
from .fields import arms
from .parse import UndecodableError, parse


class DecodedPage(NamedTuple):
    """The records of a body, and the server's total or None."""

    items: list[Any]
    total: int | None


def read_answer(envelope: type, content: bytes, drift: Drift) -> DecodedPage:
    """The records and the total of a body; raises `UndecodableError` where it is no such envelope.

    Args:
        envelope: The generated class of the answer, with `count` and the list `result`.
    """
    with uncollected():
        return read_body(content, envelope, drift)


def read_body(content: bytes, envelope: type, drift: Drift) -> DecodedPage:
    body = parse(content)
    if not isinstance(body, dict):
        raise UndecodableError("the answer is not a JSON object")
    if not isinstance(body.get("result"), list):
        raise UndecodableError("there is no list of records", "result")
    try:
        items = read_items(body["result"], item_class(envelope), drift)
        tell_envelope(body, envelope, drift)
    except Departure as found:
        place = f"{place_of(body, found.data)}.{found.name}".lstrip(".")
        raise UndecodableError(f"{found.kind}, and on_drift is 'raise'", place) from None
    return DecodedPage(items, valid_count(body.get("count")))


def valid_count(count: Any) -> int | None:
    """The server's `count`, or None where it is no number of records."""
    return count if type(count) is int and count >= 0 else None


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would search the thousands of new objects of a page again and again."""
    if not gc.isenabled():
        yield
        return
    pausing.add(threading.get_ident())
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        pausing.discard(threading.get_ident())


pausing: set[int] = set()
"""The threads that have paused the collector; a child forked meanwhile by another thread has none of them."""


def collect_again() -> None:
    if pausing:
        pausing.clear()
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=collect_again)


@functools.cache
def item_class(envelope: type) -> type:
    (items,) = arms(typing.get_type_hints(envelope, localns=vars(models))["result"])
    (item,) = typing.get_args(items)
    return typing.cast(type, item)


def read_items(records: list[Any], cls: type, drift: Drift) -> list[Any]:
    """Decodes in place, so that the memory of each record's JSON serves the next one."""
    decode, tell = decoder(cls), drift.tell
    for place, record in enumerate(records):
        item = decode(record, {}, tell)
        if item is UNSET:
            raise UndecodableError(f"the record is no {cls.__name__}", f"result[{place}]")
        records[place] = item
    return records


def tell_envelope(body: dict[str, Any], envelope: type, drift: Drift) -> None:
    """Holds the rest of the envelope to the document, its records left out."""
    decoder(envelope)({**body, "result": []}, {}, drift.tell)


def place_of(tree: Any, target: Any) -> str:
    """The path of an object within parsed JSON, as in `result[3].status`."""
    stack = [("", tree)]
    while stack:
        path, node = stack.pop()
        if node is target:
            return path
        if isinstance(node, dict):
            stack += [(f"{path}.{name}".lstrip("."), child) for name, child in node.items()]
        elif isinstance(node, list):
            stack += [(f"{path}[{i}]", child) for i, child in enumerate(node)]
    return ""
