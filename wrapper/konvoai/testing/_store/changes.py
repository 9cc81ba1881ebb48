"""Changes of a store's sessions between its responses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Literal, NamedTuple

from .store import Store

ChangeKind = Literal["touch", "remove", "add", "import", "nothing"]


class Change(NamedTuple):
    """What happens to the session at a position of the list, and how far the clock moves before.

    An import adds a session that was created and updated at the times of the session at the position.
    """

    what: ChangeKind
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


def keep_changing(store: Store, rate: float, seed: int = 0) -> None:
    """Lets sessions change at random before each response: `rate` of them on average."""
    random = Random(seed)

    def between(number: int) -> None:
        for _ in range(int(rate) + (random.random() < rate % 1)):
            what: ChangeKind = random.choices(("touch", "add", "remove"), (8, 1, 1))[0]
            apply_change(store, Change(what, random.randrange(2**31)))

    store.between = between
