"""What the decoders of models and of raw records share: JSON, the total, and errors."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn


class DecodedPage(NamedTuple):
    """The records of a page, and the server's total or None."""

    items: list[Any]
    total: int | None


class DecodeError(Exception):
    """The body is not a page of records.

    Attributes:
        reason: What is wrong.
        json_path: The JSON path of the faulty value, such as `result[3].created_at`; None for the whole body.
    """

    def __init__(self, reason: str, json_path: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.json_path = json_path


def parse(content: bytes) -> Any:
    """Returns the JSON value of a body; raises `DecodeError` where it is not JSON."""
    import msgspec  # late: a program that imports konvoai may never read a response

    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:  # the standard parser also accepts a lone surrogate (a cut emoji) and a byte order mark
        return json.loads(content, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise DecodeError("the response is not JSON") from None


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


def valid_records(body: Any, name: str = "result") -> list[Any]:
    """Returns the list of that name in a parsed body; raises `DecodeError` where it is not an envelope."""
    if not isinstance(body, dict):
        raise DecodeError("the response is not a JSON object")
    records = body.get(name)
    if not isinstance(records, list):
        raise DecodeError("the list of records is missing", name)
    return records


def valid_count(count: Any) -> int | None:
    """Returns the server's total, or None where it is not a number of records."""
    return count if type(count) is int and count >= 0 else None


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pauses the garbage collector: it would scan the thousands of new objects of a page again and again."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
