"""A window of a scan in the making: its bounds, its requests and what it came to."""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from .protocol import MILLISECOND, PageRequest, PageResponse

T = TypeVar("T")


class Overflow(NamedTuple):
    """What a window came to that does not fit: how many records it seems to hold."""

    records: int


@dataclass(eq=False)
class PlannedWindow(Generic[T]):
    """A window in the making.

    Attributes:
        most: How wide its parts may be, where it is known that it does not fit.
        steps: Its reading, once it has been begun.
        wanted: What that has still to ask.
        outcome: What that came to.
    """

    start: datetime
    end: datetime
    most: timedelta | None = None
    flow: Generator[list[PageRequest], PageResponse[T], list[T] | Overflow] | None = None
    wanted: list[PageRequest] = field(default_factory=list)
    outcome: list[T] | Overflow | None = None

    @property
    def width(self) -> timedelta:
        return self.end - self.start

    def ask(self, page: int | None = None) -> PageRequest:
        """The overlap of a millisecond makes inclusive and exclusive bounds both right."""
        return PageRequest(page, self.start - MILLISECOND, self.end)

    def take(self, answer: PageResponse[T]) -> None:
        if self.flow is None or self.outcome is not None:
            return
        try:
            self.wanted += self.flow.send(answer)
        except StopIteration as end:
            self.outcome, self.wanted = end.value, []


def after(now: datetime, width: timedelta) -> datetime:
    """A width after a moment, to the millisecond, which is what the times of the document are told to."""
    end = now + width
    return end.replace(microsecond=end.microsecond // 1000 * 1000)
