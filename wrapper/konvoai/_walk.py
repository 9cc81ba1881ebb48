"""Which page is asked next, and which of its items are new: pure decisions over answers."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .errors import PaginationError

T = TypeVar("T")


@dataclass
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        number: As the server numbers pages. Of the first page of a list that was begun without one it is 0 until
            the next page shows where the server begins to count; `list(page=page.number)` begins there again.
        items: Those of its records that no page before it had.
        count: The server's total, or None where it tells none.
    """

    number: int
    items: list[T]
    count: int | None


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What one request brought: the records of a page, and the server's total or None."""

    items: list[T]
    count: int | None


class PageWalk(Generic[T]):
    """Reads pages in order until one is the last.

    The document does not say whether the first page is 0 or 1, so the first is asked without a number and the next
    is 1: where that repeats the first, the server counts from 1. Since the server may cap its pages below `limit`, and
    what `count` counts is not documented, the end is a page that brings nothing, or one that is shorter than a page
    before it while `count` does not say that more is to come.
    """

    def __init__(self, page: int | None) -> None:
        self._start = page
        self._asked = page
        self._seen: set[Any] = set()
        self._arrived = 0
        self._longest = 0
        self._last: list[T] = []
        self._first: Page[T] | None = None
        self.ended = False

    @property
    def next_page(self) -> int | None:
        """The number to ask for; None asks for the first page, whatever its number."""
        return self._asked

    def receive(self, answer: Answer[T]) -> Page[T] | None:
        """The page to hand over, or None where `answer` brought nothing new."""
        repeated = answer.items == self._last
        new = [] if repeated else [item for item in answer.items if self._is_new(item)]
        self._last = answer.items
        self._arrived += len(new)
        number = self._asked or 0
        self._decide_end(answer, len(new), number)
        self._asked = number + 1
        if not new:
            return None
        page = Page(number, new, answer.count)
        self._first = self._first or page
        return page

    def _decide_end(self, answer: Answer[T], new: int, number: int) -> None:
        if new:
            self.ended = len(answer.items) < self._longest and not self._is_owed(answer.count)
            self._longest = max(self._longest, len(answer.items))
        elif answer.items and number == 1 and self._first is not None:
            self._first.number = 1
        elif answer.items and self._is_owed(answer.count):
            raise PaginationError(
                f"the server repeats itself at page {number}: {self._arrived} of {answer.count} arrived; "
                "it may not know the parameter `page`"
            )
        else:
            self.ended = True

    def _is_owed(self, count: int | None) -> bool:
        return self._start is None and count is not None and count > self._arrived

    def _is_new(self, item: T) -> bool:
        """Whether no page before had this record; one without an id is always new."""
        key = getattr(item, "id", None)
        if not key:
            return True
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
