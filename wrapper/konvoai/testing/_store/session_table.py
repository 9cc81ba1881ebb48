"""Sessions in the order of a list: numbers with a creation and an update time, in microseconds since 1970."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Literal, NamedTuple

Field = Literal["created", "updated"]
MIN_TIME, MAX_TIME = -(2**62), 2**62
NO_TIME = MIN_TIME - 1
"""The update time of a session that has none: null, which no filter matches and which sorts first."""
REMOVED = 2**63 - 1


class Rows(NamedTuple):
    """The rows that a query matches: `numbers[low:high]`."""

    numbers: Sequence[int]
    low: int
    high: int

    def __len__(self) -> int:
        return self.high - self.low


class SessionTable:
    """Holds up to a million sessions; finds a time window in logarithmic time where the order is by that time.

    Args:
        created: When each session was created, by its number.
        updated: When each was last updated, or `NO_TIME`.
        order: The time by which sessions are listed, ascending; equal times are in the order of the numbers.
    """

    def __init__(self, created: Iterable[int], updated: Iterable[int], order: str) -> None:
        self.created, self.updated = array("q", created), array("q", updated)
        self._order = order
        self.listed = array("q", sorted(range(len(self.created)), key=self.order_times.__getitem__))

    @property
    def order_times(self) -> array[int]:
        return self.created if self._order == "created" else self.updated

    def copy(self) -> SessionTable:
        clone = copy(self)
        clone.created, clone.updated, clone.listed = self.created[:], self.updated[:], self.listed[:]
        return clone

    def reserve(self, created: int, updated: int) -> int:
        """Returns the number of a new session that is not listed yet."""
        self.created.append(created)
        self.updated.append(updated)
        return len(self.created) - 1

    def insert(self, number: int) -> None:
        """Lists a session, unless it is listed or removed."""
        if self.updated[number] != REMOVED and not self._is_listed(number):
            insort(self.listed, number, key=self._rank)

    def touch(self, number: int, updated: int) -> None:
        listed = self._unlist(number)
        self.updated[number] = updated
        if listed:
            insort(self.listed, number, key=self._rank)

    def remove(self, number: int) -> None:
        self._unlist(number)
        self.updated[number] = REMOVED

    def require(self, number: int) -> None:
        """Raises KeyError where the session is removed."""
        if self.updated[number] == REMOVED:
            raise KeyError(number)

    def select(self, field: Field, low: int, high: int) -> Rows:
        """Returns the sessions with a time from `low` to `high`, both included."""
        times = self.created if field == "created" else self.updated
        if times is self.order_times:
            begin = bisect_left(self.listed, low, key=times.__getitem__)
            end = bisect_right(self.listed, high, key=times.__getitem__)
            return Rows(self.listed, begin, max(begin, end))
        found = [number for number in self.listed if low <= times[number] <= high]
        return Rows(found, 0, len(found))

    def all(self) -> Rows:
        return Rows(self.listed, 0, len(self.listed))

    def _rank(self, number: int) -> tuple[int, int]:
        return self.order_times[number], number

    def _position(self, number: int) -> int:
        return bisect_left(self.listed, self._rank(number), key=self._rank)

    def _is_listed(self, number: int) -> bool:
        position = self._position(number)
        return position < len(self.listed) and self.listed[position] == number

    def _unlist(self, number: int) -> bool:
        """Takes a session out of the list; returns whether it was listed."""
        listed = self._is_listed(number)
        if listed:
            del self.listed[self._position(number)]
        return listed
