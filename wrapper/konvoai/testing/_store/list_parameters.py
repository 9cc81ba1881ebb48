"""The query parameters of `GET /ai-sessions`, parsed by their types in the API document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from .factories import micros

INT32, MAX_LIMIT = 2**31 - 1, 200
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


class ListParameters(NamedTuple):
    """The parameters of a request; times are microseconds since 1970."""

    page: int | None
    limit: int
    updated_at_min: int | None
    updated_at_max: int | None
    messages: bool
    state: bool


def parse_query(query: Mapping[str, str]) -> ListParameters:
    """Returns the parameters; raise ValueError where one does not have its type."""
    return ListParameters(
        parse_int(query, "page", -INT32 - 1, INT32),
        parse_int(query, "limit", 1, MAX_LIMIT) or MAX_LIMIT,
        parse_time(query, "updated_at_min"),
        parse_time(query, "updated_at_max"),
        parse_bool(query, "messages"),
        parse_bool(query, "state"),
    )


def parse_int(query: Mapping[str, str], name: str, minimum: int, maximum: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not WHOLE_NUMBER.fullmatch(text) or not minimum <= int(text) <= maximum:
        raise ValueError(f"{name} must be a whole number from {minimum} to {maximum}")
    return int(text)


def parse_time(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    with suppress(ValueError):
        if RFC_3339.fullmatch(text):
            return micros(datetime.fromisoformat(text.upper()))
    raise ValueError(f"{name} must be a time like 2026-02-25T16:46:34.206Z")


def parse_bool(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise ValueError(f"{name} must be true or false")
    return text == "true"
