"""The store behind `MockKonvo`: realistic sessions that are made when they are read, and given ones."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from .factories import EPOCH, TICK, identifier, wire_datetime
from .list_parameters import ListParameters
from .sessions import made_id, made_session, parse_time, spread
from .store import Store

MILLISECOND = timedelta(milliseconds=1)


class MadeStore(Store):
    """A store whose sessions are made from its seed and their number, unless they were given."""

    @classmethod
    def until(cls, end: datetime | None, number: int, seed: int, **habits: Any) -> Self:
        """Returns a store of so many made sessions, about one an hour until a time, by default now."""
        times = spread(number, end or datetime.now(UTC), seed)
        created, updated = [both[0] for both in times], [both[1] for both in times]
        # Records show milliseconds: with finer times a filter would not match the time that a record shows.
        return cls(created=created, updated=updated, seed=seed, time_resolution=MILLISECOND, **habits)

    def __post_init__(self, *times: Any) -> None:
        super().__post_init__(*times)
        self._given: dict[int, dict[str, Any]] = {}
        self._numbers: dict[str, int] = {}
        self._indexed = 0

    def put(self, session: Mapping[str, Any], updated: datetime | None = None) -> str:
        """Adds a session, or replaces the one with the same id, which is updated now; returns the id.

        The store keeps and changes the session: give it one that nobody else has.
        """
        with self._lock:
            with suppress(KeyError):
                return self.replace(str(session["id"]), session, updated)
            number = len(self._table.created)
            self._given[number] = dict(session)
            self._numbers[self._id(number)] = number
            created = parse_time(session.get("created_at")) or self.clock()
            return self.add(created, updated or last_updated(session) or created)

    def replace(self, session_id: str, session: Mapping[str, Any], updated: datetime | None = None) -> str:
        """Replaces a session, which is updated now; returns its id, and raises KeyError where there is none."""
        with self._lock:
            self._given[self._number(session_id)] = dict(session)
            self.touch(session_id, updated)
            return session_id

    def touch(self, session_id: str, at: datetime | None = None) -> None:
        with self._lock:
            at = at or self.clock()
            super().touch(session_id, at)
            status = self._given.get(self._number(session_id), {}).get("status")
            if isinstance(status, dict):
                status["last_updated"] = wire_datetime(at.astimezone(UTC))

    def session(self, session_id: str) -> dict[str, Any]:
        """Returns a session with all of its fields; raises KeyError where there is none."""
        with self._lock:
            return self._whole(self._number(session_id))

    def _whole(self, number: int) -> dict[str, Any]:
        if number in self._given:
            return self._given[number]
        created, updated = (EPOCH + times[number] * TICK for times in (self._table.created, self._table.updated))
        return made_session(f"{self.seed}/{number}", created, updated)

    def _record(self, number: int, parameters: ListParameters) -> dict[str, Any]:
        left_out = set() if parameters.messages else {"messages"}
        left_out |= set() if parameters.state else {"status", "state"}
        return {name: value for name, value in self._whole(number).items() if name not in left_out}

    def _id(self, number: int) -> str:
        if number in self._given:
            session_id = self._given[number].get("id")
            return identifier(number) if session_id is None else str(session_id)
        return made_id(self.seed, number)

    def _number(self, session_id: str) -> int:
        if session_id not in self._numbers:
            self._index()
        with suppress(KeyError):
            number = self._numbers[session_id]
            self._table.require(number)
            return number
        raise KeyError(session_id)

    def _index(self) -> None:
        """Learns the ids of made sessions, which are drawn when they are needed."""
        numbers = range(self._indexed, len(self._table.created))
        self._numbers |= {self._id(number): number for number in numbers if number not in self._given}
        self._indexed = len(self._table.created)


def last_updated(session: Mapping[str, Any]) -> datetime | None:
    status = session.get("status")
    return parse_time(status.get("last_updated")) if isinstance(status, Mapping) else None
