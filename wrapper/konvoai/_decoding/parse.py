"""JSON to Python objects, by the fast parser, or by the slower one that takes what is JSON all the same."""

import json
from typing import Any, NoReturn


class DecodeError(Exception):
    """A body that is no page of records.

    Attributes:
        reason: What is wrong.
        place: Where, as in `result[3].created_at`; None where it is the body as a whole.
    """

    def __init__(self, reason: str, place: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


def parse(content: bytes) -> Any:
    """The JSON value of a body; raises `DecodeError` where it is no JSON."""
    import msgspec  # here, as a program that imports konvoai may never read an answer

    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:  # the slower parser takes what is JSON all the same: a cut emoji, a byte order mark
        return json.loads(content, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise DecodeError("the answer is not JSON") from None


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
