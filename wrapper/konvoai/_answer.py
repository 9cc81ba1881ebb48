"""From an answer's bytes to its records: strict about the envelope, tolerant about what is in it."""

import functools
import gc
import json
import os
import threading
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx

from . import models
from ._decode import arms, decoder
from ._drift import Departure, Drift
from ._retry import http_date
from ._walk import Answer
from .errors import ResponseValidationError
from .models import UNSET


def read_answer(envelope: type, response: httpx.Response, drift: Drift) -> Answer[Any]:
    """The records and the total of a 200; raises `ResponseValidationError` where it is no such envelope.

    Args:
        envelope: The generated class of the answer, with `count` and the list `result`.
    """

    def refuse(reason: str, place: str | None = None) -> NoReturn:
        raise ResponseValidationError(reason, response=response, place=place)

    with uncollected():
        items, total = read_body(response.content, envelope, drift, refuse)
    return Answer(items, total, http_date(response.headers.get("date", "")))


def read_body(
    content: bytes, envelope: type, drift: Drift, refuse: Callable[..., NoReturn]
) -> tuple[list[Any], int | None]:
    body = parse(content, refuse)
    if not isinstance(body, dict):
        refuse("the answer is not a JSON object")
    if not isinstance(body.get("result"), list):
        refuse("there is no list of records", "result")
    try:
        items = read_items(body["result"], item_class(envelope), drift, refuse)
        tell_envelope(body, envelope, drift)
    except Departure as found:
        refuse(f"{found.kind}, and on_drift is 'raise'", f"{place_of(body, found.data)}.{found.name}".lstrip("."))
    count = body.get("count")
    return items, count if type(count) is int and count >= 0 else None


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


def parse(content: bytes, refuse: Callable[[str], NoReturn]) -> Any:
    import msgspec  # here, as a program that imports konvoai may never read an answer

    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:  # the slower parser takes what is JSON all the same: a cut emoji, a byte order mark
        return json.loads(content, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        refuse("the answer is not JSON")


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@functools.cache
def item_class(envelope: type) -> type:
    (items,) = arms(typing.get_type_hints(envelope, localns=vars(models))["result"])
    (item,) = typing.get_args(items)
    return typing.cast(type, item)


def read_items(records: list[Any], cls: type, drift: Drift, refuse: Callable[[str, str], NoReturn]) -> list[Any]:
    """Decodes in place, so that the memory of each record's JSON serves the next one."""
    decode, tell = decoder(cls), drift.tell
    for place, record in enumerate(records):
        item = decode(record, {}, tell)
        if item is UNSET:
            refuse(f"the record is no {cls.__name__}", f"result[{place}]")
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
