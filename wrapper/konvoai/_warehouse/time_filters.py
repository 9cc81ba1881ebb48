"""Which time of a session the API's time filters mean.

The API document says of `updated_at_min`: "sessions created after". If a server means that, a change of an old session
is in no window that a sync reads, so that a sync has to read the sessions of some weeks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from .._client import Konvo
from .._decoding.records import Record
from .._resources import list_records
from .._tables.columns import value_at
from ..errors import KonvoError
from .state import Filters, SyncResult

MIN_GAP, ENOUGH_GAP = timedelta(seconds=3), timedelta(days=1)
MAX_WIDTH = timedelta(seconds=2)
MAX_RECORDS = 400  # to look through for one; a server that ignores the filters returns all


class Witness(NamedTuple):
    """A session whose two times differ: a filter that finds it by one of them means that time."""

    id: Any
    created: datetime
    updated: datetime

    @property
    def gap(self) -> timedelta:
        return self.updated - self.created


class FilterCheck:
    """Finds which time the filters mean, by the records of a sync and two requests at its end."""

    def __init__(self) -> None:
        self._witness: Witness | None = None

    def observe(self, records: Iterable[Record]) -> None:
        """Remembers the session whose times differ most."""
        for record in records:
            if self._witness and self._witness.gap >= ENOUGH_GAP:
                return
            created, updated = value_at(record.data, ("created_at",)), value_at(record.data, ("status", "last_updated"))
            if not record.id or created == updated or not isinstance(created, str) or not isinstance(updated, str):
                continue
            with suppress(ValueError, OverflowError, TypeError):
                found = Witness(record.id, as_utc(created), as_utc(updated))
                if found.gap > (self._witness.gap if self._witness else MIN_GAP):
                    self._witness = found

    def result(self, konvo: Konvo) -> Filters | None:
        """Returns which time the filters mean; None where no session shows it."""
        if not (witness := self._witness):
            return None
        try:
            by_created, by_updated = (finds(konvo, witness, time) for time in (witness.created, witness.updated))
        except (KonvoError, ValueError, OverflowError):
            return None
        if by_created == by_updated:
            return None
        return "created" if by_created else "updated"


def as_utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time.astimezone(UTC)


def finds(konvo: Konvo, witness: Witness, time: datetime) -> bool:
    """Whether the sessions around a time have the witness among them."""
    width = min(witness.gap / 3, MAX_WIDTH)
    sessions: Any = konvo.ai_sessions
    records: Iterable[Record] = list_records(sessions, time - width, time + width, concurrency=1)
    return any(record.id == witness.id for record in islice(records, MAX_RECORDS))


def advice(result: SyncResult) -> str | None:
    """Returns which changes the syncs do not follow, and what to do; None where they follow all."""
    if result.filters == "updated" or (result.filters is None and result.start is None):
        return None
    known = result.filters == "created"
    said = (
        "warning: the API's time filters mean when a session was created, not when it was updated: "
        if known
        else "note: no session shows yet whether the API's time filters mean its creation or its update: "
    )
    if result.start is None:
        return f"{said}each later sync reads the sessions of the last 30 days again; --lookback 90d reads more"
    return (
        f"{said}sessions from {result.start:%Y-%m-%d %H:%M %Z} were read again; changes of sessions created before "
        f"that {'are' if known else 'may be'} missing; --lookback 90d reads more"
    )
