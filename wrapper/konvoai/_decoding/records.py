"""Decode a list page to raw records: no models, for export and sync."""

import functools
import json
from typing import Any, NamedTuple

import msgspec

from .drift import Drift
from .fields import envelope_of
from .parse import DecodedPage, DecodeError, gc_paused, parse, valid_count, valid_records


class Record(NamedTuple):
    """A raw record.

    Attributes:
        id: What identifies it (`id`, or another field of its class), of whatever type; None without one.
        raw: Its JSON on one line, as the server wrote it.
        data: The parsed JSON object.
    """

    id: Any
    raw: str
    data: dict[str, Any]


def decode_raw_page(envelope: type, content: bytes, drift: Drift) -> DecodedPage:
    """Returns the raw records and the total of a page; raises `DecodeError` as `decode_page` does."""
    name, total, key, struct = raw_envelope(envelope)
    with gc_paused():
        try:
            body = msgspec.json.decode(content, type=struct)
            count, pairs = body.total, [(one_line(raw), msgspec.json.decode(raw)) for raw in body.records]
        except (msgspec.MsgspecError, ValueError, RecursionError):  # not an envelope, or only for the standard parser
            parsed = parse(content)
            pairs = [(json.dumps(item), item) for item in valid_records(parsed, name)]
            count = parsed.get(total)
        for index, (_, data) in enumerate(pairs):
            if not isinstance(data, dict):
                raise DecodeError("the record is not a JSON object", f"{name}[{index}]")
        return DecodedPage([Record(data.get(key), raw, data) for raw, data in pairs], valid_count(count))


@functools.cache
def raw_envelope(envelope: type) -> tuple[str, str, str, Any]:
    """Returns the JSON names of the list, of the total and of the key, and the Struct of such a response."""
    records, _, total, key = envelope_of(envelope)
    total = total or "count"
    fields: list[Any] = [("records", list[msgspec.Raw]), ("total", Any, None)]
    names = {"records": records.name, "total": total}
    return records.name, total, key or "id", msgspec.defstruct("RawEnvelope", fields, rename=names)


def one_line(raw: msgspec.Raw) -> str:
    text = str(bytes(raw), "utf-8")
    return str(msgspec.json.format(text, indent=-1)) if "\n" in text or "\r" in text else text
