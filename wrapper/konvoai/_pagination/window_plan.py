"""A window of a scan in the making: its bounds, its requests and what it came to."""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from .protocol import MILLISECOND, Answer, Ask

T = TypeVar("T")


class Overfull(NamedTuple):
    """What a window came to that does not fit: how many records it seems to hold."""

    records: int


@dataclass(eq=False)
class Span(Generic[T]):
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
    steps: Generator[list[Ask], Answer[T], list[T] | Overfull] | None = None
    wanted: list[Ask] = field(default_factory=list)
    outcome: list[T] | Overfull | None = None

    @property
    def width(self) -> timedelta:
        return self.end - self.start

    def ask(self, page: int | None = None) -> Ask:
        """The overlap of a millisecond makes inclusive and exclusive bounds both right."""
        return Ask(page, self.start - MILLISECOND, self.end)

    def take(self, answer: Answer[T]) -> None:
        if self.steps is None or self.outcome is not None:
            return
        try:
            self.wanted += self.steps.send(answer)
        except StopIteration as end:
            self.outcome, self.wanted = end.value, []


def after(moment: datetime, width: timedelta) -> datetime:
    """A width after a moment, to the millisecond, which is what the times of the document are told to."""
    end = moment + width
    return end.replace(microsecond=end.microsecond // 1000 * 1000)
