"""`make_session` and `make_sessions`: realistic sessions as JSON values, with the fields that are given."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from random import Random
from typing import Any

from ...models import UNSET, AISession
from .drawing import Draft, draw, draw_uuid
from .factories import wire_datetime

BASE = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(hours=1)
calls = itertools.count()


def made_id(seed: int, number: int) -> str:
    """Returns the id of a made session."""
    return draw_uuid(Random(f"{seed}/{number}"))


def made_session(
    seed: object, created: datetime, updated: datetime | None = None, unresolved: bool | None = None
) -> dict[str, Any]:
    """Returns a session as JSON values; equal arguments make equal sessions."""
    made: dict[str, Any] = draw(AISession, Draft(seed, created, updated, unresolved)).to_dict()
    return made


def make_session(**fields: Any) -> dict[str, Any]:
    """Returns a session as the API sends it, with every field of the API document.

    Args:
        fields: Values that replace the drawn ones, by JSON name; names that the API document lacks are added. Times
            may be aware datetimes. An object is completed with drawn fields, as is each object of a list. A field of
            the status or the state may stand for itself: `unresolved=True`. `UNSET` leaves a field out.
            `created_at` is now by default, and the other times follow from it.

    Raises:
        ValueError: A time has no time zone.
    """
    return build_session(fields, datetime.now(UTC))


def build_session(
    fields: Mapping[str, Any], now: datetime, session: Mapping[str, Any] | AISession | None = None
) -> dict[str, Any]:
    """Returns `session`, or a drawn one, with these fields."""
    given = as_json(fields)
    created = parse_time(given.get("created_at"))
    draft = Draft(next(calls), created or now, None if created else now, unresolved=False)
    draft.updated = max(draft.created, min(draft.updated, now))
    if isinstance(given.get("id"), str):
        draft.id = given["id"]
    draft.sizes |= {name: len(value) for name, value in given.items() if isinstance(value, list)}
    drawn = draw(AISession, draft).to_dict()
    return {**merge(drawn if session is None else as_json(session), nest(drawn, given))}


def nest(made: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Returns the given fields, with those that only one object of the session has moved into that object."""
    nested, moved = dict(given), {}
    for name in given.keys() - made.keys():
        owners = [owner for owner, part in made.items() if isinstance(part, dict) and name in part]
        if len(owners) == 1:
            moved[name] = owners[0]
    for name, owner in moved.items():
        value, part = nested.pop(name), nested.get(owner, {})
        nested[owner] = {**part, name: value} if isinstance(part, dict) else part
    return nested


def merge(made: Any, given: Any) -> Any:
    """Returns the given value, completed with what was drawn."""
    if isinstance(made, dict) and isinstance(given, dict):
        parts = {name: merge(made.get(name), value) for name, value in given.items()}
        return {name: value for name, value in {**made, **parts}.items() if value is not UNSET}
    if isinstance(made, list) and isinstance(given, list):
        return [merge(drawn, item) for drawn, item in itertools.zip_longest(made[: len(given)], given)]
    return given


def as_json(value: Any) -> Any:
    """Returns a value as JSON has it; datetimes, enums and models have their own spelling there."""
    if isinstance(value, datetime):
        return wire_datetime(in_utc(value))
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    return [as_json(part) for part in value] if isinstance(value, list | tuple) else value


def in_utc(time: datetime) -> datetime:
    """Returns a time in UTC; raises ValueError where it has no time zone."""
    if time.utcoffset() is None:
        raise ValueError(f"a time needs a time zone, such as datetime.now(UTC): {time!r} has none")
    return time.astimezone(UTC)


def parse_time(text: Any) -> datetime | None:
    """Returns an aware time, or None for any other value."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


def spread(number: int, end: datetime, seed: int) -> list[tuple[datetime, datetime]]:
    """Returns when sessions were created and last updated: about one an hour, all before `end`."""
    random, times = Random(seed), []
    for index in range(number):
        created = end - (number - index) * STEP + STEP * random.random() / 2
        times.append((created, min(end, created + STEP * (random.random() * 3) ** 2 / 4)))
    return times


def make_sessions(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Returns so many sessions, about one an hour until the end of 2025; equal arguments make equal sessions."""
    times = spread(n, BASE, seed)
    return [made_session(f"{seed}/{number}", *both) for number, both in enumerate(times)]
