"""Decode a list page to raw records: no models, for export and sync."""

import json
from typing import Any, NamedTuple

import msgspec

from .drift import Drift
from .parse import DecodedPage, DecodeError, gc_paused, parse, valid_count, valid_records


class Record(NamedTuple):
    """A raw record.

    Attributes:
        id: Its `id`, of whatever type; None without one.
        raw: Its JSON on one line, as the server wrote it.
        data: The parsed JSON object.
    """

    id: Any
    raw: str
    data: dict[str, Any]


class Envelope(msgspec.Struct):
    result: list[msgspec.Raw]
    count: Any = None


def decode_raw_page(content: bytes, drift: Drift) -> DecodedPage:
    """Returns the raw records and the total of a page; raises `DecodeError` as `decode_page` does."""
    with gc_paused():
        try:
            body = msgspec.json.decode(content, type=Envelope)
            count, pairs = body.count, [(one_line(raw), msgspec.json.decode(raw)) for raw in body.result]
        except (msgspec.MsgspecError, ValueError, RecursionError):  # not an envelope, or only for the standard parser
            parsed = parse(content)
            pairs = [(json.dumps(item), item) for item in valid_records(parsed)]
            count = parsed.get("count")
        for index, (_, data) in enumerate(pairs):
            if not isinstance(data, dict):
                raise DecodeError("the record is not a JSON object", f"result[{index}]")
        return DecodedPage([Record(data.get("id"), raw, data) for raw, data in pairs], valid_count(count))


def one_line(raw: msgspec.Raw) -> str:
    text = str(bytes(raw), "utf-8")
    return str(msgspec.json.format(text, indent=-1)) if "\n" in text or "\r" in text else text
