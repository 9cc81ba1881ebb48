"""Decode a list page to models: strict about the envelope, tolerant about each record."""

import functools
import typing
from typing import Any

from .. import models
from ..models import UNSET
from .decoder import decoder
from .drift import Drift, DriftError
from .fields import union_members
from .parse import DecodedPage, DecodeError, gc_paused, parse, valid_count


def decode_page(envelope: type, content: bytes, drift: Drift) -> DecodedPage:
    """Return the models and the total of a page.

    Args:
        envelope: The generated class of the response, with `count` and the list `result`.

    Raises:
        DecodeError: The body is not such an envelope, or a record is not a JSON object.
    """
    with gc_paused():
        return decode_envelope(content, envelope, drift)


def decode_envelope(content: bytes, envelope: type, drift: Drift) -> DecodedPage:
    body = parse(content)
    if not isinstance(body, dict):
        raise DecodeError("the response is not a JSON object")
    if not isinstance(body.get("result"), list):
        raise DecodeError("the list of records is missing", "result")
    try:
        items = decode_records(body["result"], record_type(envelope), drift)
        check_envelope(body, envelope, drift)
    except DriftError as found:
        path = f"{json_path(body, found.data)}.{found.name}".lstrip(".")
        raise DecodeError(f"{found.kind}, and on_drift is 'raise'", path) from None
    return DecodedPage(items, valid_count(body.get("count")))


@functools.cache
def record_type(envelope: type) -> type:
    """Return the generated class of the records in an envelope."""
    (items,) = union_members(typing.get_type_hints(envelope, localns=vars(models))["result"])
    (item,) = typing.get_args(items)
    return typing.cast(type, item)


def decode_records(records: list[Any], cls: type, drift: Drift) -> list[Any]:
    """Decode in place, so that the memory of each record's JSON serves the next one."""
    decode, report = decoder(cls), drift.report
    for index, record in enumerate(records):
        item = decode(record, {}, report)
        if item is UNSET:
            raise DecodeError(f"the record is not a valid {cls.__name__}", f"result[{index}]")
        records[index] = item
    return records


def check_envelope(body: dict[str, Any], envelope: type, drift: Drift) -> None:
    """Report drift of the envelope, its records left out."""
    decoder(envelope)({**body, "result": []}, {}, drift.report)


def json_path(tree: Any, target: Any) -> str:
    """Return the JSON path of an object within parsed JSON, such as `result[3].status`."""
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
