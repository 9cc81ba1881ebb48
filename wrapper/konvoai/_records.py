"""Records as the server's JSON has them, for what passes them on: no model is made of them."""

import json
from datetime import datetime
from typing import Any, NamedTuple, NoReturn, TypeVar

import httpx
import msgspec

from ._answer import parse, uncollected
from ._drift import Drift
from ._resources import Resource, period
from ._retry import http_date
from ._walk import Answer
from .errors import ResponseValidationError

ListT = TypeVar("ListT")
ScanT = TypeVar("ScanT")


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


def list_records(
    resource: Resource[ListT, Any],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    limit: int = 200,
    concurrency: int = 4,
    **include: Any,
) -> ListT:
    """A resource's list, of `Record`s; arguments and errors are those of the resource's own."""
    query = resource._query(period(updated_at_min, updated_at_max), concurrency, limit=limit, **include)
    return resource._paginate(query._replace(read=read_records))


def scan_records(
    resource: Resource[Any, ScanT],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    concurrency: int = 4,
    **include: Any,
) -> ScanT:
    """A resource's scan, of `Record`s; arguments and errors are those of the resource's own."""
    query = resource._query(period(updated_at_min, updated_at_max), concurrency, **include)
    return resource._scan(query._replace(read=read_records))


def count_records(
    resource: Resource[Any, Any], updated_at_min: datetime | None, updated_at_max: datetime | None
) -> int | None:
    """The server's total for such a list, by one request; None where it tells none."""
    total: int | None = resource._paginate(resource._query(period(updated_at_min, updated_at_max), 1)).count()
    return total


def read_records(response: httpx.Response, drift: Drift) -> Answer[Record]:
    """The records and the total of a 200; raises `ResponseValidationError` where it is no such envelope."""

    def refuse(reason: str, place: str | None = None) -> NoReturn:
        raise ResponseValidationError(reason, response=response, place=place)

    with uncollected():
        try:
            body = msgspec.json.decode(response.content, type=Envelope)
            count, pairs = body.count, [(one_line(raw), msgspec.json.decode(raw)) for raw in body.result]
        except (msgspec.MsgspecError, ValueError, RecursionError):  # no envelope, or what only the slower parser takes
            parsed = parse(response.content, refuse)
            if not isinstance(parsed, dict) or not isinstance(parsed.get("result"), list):
                refuse("there is no list of records", "result")
            count, pairs = parsed.get("count"), [(json.dumps(item), item) for item in parsed["result"]]
        for place, (_, data) in enumerate(pairs):
            if not isinstance(data, dict):
                refuse("the record is no JSON object", f"result[{place}]")
        records = [Record(data.get("id"), raw, data) for raw, data in pairs]
    total = count if type(count) is int and count >= 0 else None
    return Answer(records, total, http_date(response.headers.get("date", "")))


def one_line(raw: msgspec.Raw) -> str:
    text = str(bytes(raw), "utf-8")
    return str(msgspec.json.format(text, indent=-1)) if "\n" in text or "\r" in text else text
