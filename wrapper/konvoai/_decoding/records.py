"""Records as the server's JSON has them, for what passes them on: no model is made of them."""

import json
from typing import Any, NamedTuple

import msgspec

from .drift import Drift
from .page import DecodedPage, gc_paused, valid_count
from .parse import DecodeError, parse


class Record(NamedTuple):
    """A record of the API.

    Attributes:
        id: As the record has it; None where it has none.
        raw: Its JSON, in one line, as the server wrote it.
        data: That JSON, parsed.
    """

    id: Any
    raw: str
    data: dict[str, Any]


class Envelope(msgspec.Struct):
    result: list[msgspec.Raw]
    count: Any = None


def decode_raw_page(content: bytes, drift: Drift) -> DecodedPage:
    """The records and the total of a body; raises `DecodeError` where it is no such envelope."""
    with gc_paused():
        try:
            body = msgspec.json.decode(content, type=Envelope)
            count, pairs = body.count, [(one_line(raw), msgspec.json.decode(raw)) for raw in body.result]
        except (msgspec.MsgspecError, ValueError, RecursionError):  # no envelope, or what only the slower parser takes
            parsed = parse(content)
            if not isinstance(parsed, dict) or not isinstance(parsed.get("result"), list):
                raise DecodeError("there is no list of records", "result") from None
            count, pairs = parsed.get("count"), [(json.dumps(item), item) for item in parsed["result"]]
        for place, (_, data) in enumerate(pairs):
            if not isinstance(data, dict):
                raise DecodeError("the record is no JSON object", f"result[{place}]")
        return DecodedPage([Record(data.get("id"), raw, data) for raw, data in pairs], valid_count(count))


def one_line(raw: msgspec.Raw) -> str:
    text = str(bytes(raw), "utf-8")
    return str(msgspec.json.format(text, indent=-1)) if "\n" in text or "\r" in text else text
