"""Changes of a store's sessions between its responses, and counts that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from random import Random
from typing import Literal, NamedTuple

from .store import Store


class Change(NamedTuple):
    """What happens to the session at a position of the list, and how far the clock moves before.

    An import adds a session that was created and updated at the times of the session at the position.
    """

    what: Literal["touch", "remove", "add", "import", "nothing"]
    position: int
    milliseconds: int = 0


def moving(store: Store, schedule: Iterable[Change]) -> None:
    """Lets the changes happen, one before each response but the first, and move a clock that stands still."""
    left = iter(schedule)

    def between(number: int) -> None:
        if number:
            apply_change(store, next(left, Change("nothing", 0, 1)))

    store.between = between


def apply_change(store: Store, change: Change) -> None:
    if store.now is not None:
        store.now += timedelta(milliseconds=change.milliseconds)
    if change.what == "add" or (change.what == "import" and not len(store)):
        store.add()
    elif len(store) and change.what != "nothing":
        session_id = store.id_at(change.position % len(store))
        if change.what == "import":
            store.add(*store.times(session_id))
        else:
            getattr(store, change.what)(session_id)


def capped_count(maximum: int) -> Callable[[int], int]:
    """Returns a `count` that stops at a maximum."""
    return lambda total: min(total, maximum)


def noisy_count(share: float, seed: int = 0) -> Callable[[int], int]:
    """Returns a `count` that is up to such a share too small or too large, drawn for each response."""
    random = Random(seed)
    return lambda total: round(total * random.uniform(1 - share, 1 + share))
