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
from .drift import Drift, DriftError
from .fields import union_members
from .parse import DecodeError, parse


class DecodedPage(NamedTuple):
    """The records of a body, and the server's total or None."""

    items: list[Any]
    total: int | None


def decode_page(envelope: type, content: bytes, drift: Drift) -> DecodedPage:
    """The records and the total of a body; raises `DecodeError` where it is no such envelope.

    Args:
        envelope: The generated class of the answer, with `count` and the list `result`.
    """
    with gc_paused():
        return decode_envelope(content, envelope, drift)


def decode_envelope(content: bytes, envelope: type, drift: Drift) -> DecodedPage:
    body = parse(content)
    if not isinstance(body, dict):
        raise DecodeError("the answer is not a JSON object")
    if not isinstance(body.get("result"), list):
        raise DecodeError("there is no list of records", "result")
    try:
        items = decode_records(body["result"], record_type(envelope), drift)
        check_envelope(body, envelope, drift)
    except DriftError as found:
        place = f"{json_path(body, found.data)}.{found.name}".lstrip(".")
        raise DecodeError(f"{found.kind}, and on_drift is 'raise'", place) from None
    return DecodedPage(items, valid_count(body.get("count")))


def valid_count(count: Any) -> int | None:
    """The server's `count`, or None where it is no number of records."""
    return count if type(count) is int and count >= 0 else None


@contextmanager
def gc_paused() -> Iterator[None]:
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
def record_type(envelope: type) -> type:
    (items,) = union_members(typing.get_type_hints(envelope, localns=vars(models))["result"])
    (item,) = typing.get_args(items)
    return typing.cast(type, item)


def decode_records(records: list[Any], cls: type, drift: Drift) -> list[Any]:
    """Decodes in place, so that the memory of each record's JSON serves the next one."""
    decode, report = decoder(cls), drift.report
    for place, record in enumerate(records):
        item = decode(record, {}, report)
        if item is UNSET:
            raise DecodeError(f"the record is no {cls.__name__}", f"result[{place}]")
        records[place] = item
    return records


def check_envelope(body: dict[str, Any], envelope: type, drift: Drift) -> None:
    """Holds the rest of the envelope to the document, its records left out."""
    decoder(envelope)({**body, "result": []}, {}, drift.report)


def json_path(tree: Any, target: Any) -> str:
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
