"""Lists over data that moves between any two requests: the decisions alone, driven in memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from konvoai import UNSET, AISession, Page
from konvoai._reading import Ask, Steps, read_list
from konvoai._walk import Answer
from shop import ORDERS, Shop

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOST_REQUESTS = 3000

changes = st.lists(
    st.tuples(
        st.sampled_from(["touch", "remove", "add", "nothing"]),
        st.integers(0, 60),
        st.sampled_from([0, 1, 40, 1500]),
    ),
    max_size=25,
)


def asked(ask: Ask, limit: int) -> dict[str, str]:
    query = {"limit": str(limit)}
    if ask.page is not None:
        query["page"] = str(ask.page)
    for name, moment in (("updated_at_min", ask.minimum), ("updated_at_max", ask.maximum)):
        if moment is not None:
            query[name] = moment.isoformat()
    return query


def answered(shop: Shop, ask: Ask, limit: int) -> Answer[AISession]:
    found = shop.answer(asked(ask, limit))
    assert found.status == 200
    count = found.body.get("count")
    items = [AISession(id=record.get("id", UNSET), feed_id=record["feed_id"]) for record in found.body["result"]]
    date = shop.clock().replace(microsecond=0) if shop.dated else None
    return Answer(items, count if type(count) is int and count >= 0 else None, date)


def read(
    steps: Steps[AISession], shop: Shop, limit: int, pick: Callable[[int], int] = lambda waiting: 0
) -> list[Page[AISession]]:
    """Drives a reading; of the requests in flight the server answers the one that `pick` chooses."""
    flight: list[tuple[Ask, list[Answer[AISession]]]] = []
    pages = []
    try:
        step: Any = next(steps)
        while True:
            if isinstance(step, list):
                flight += [(ask, []) for ask in step]
                while not flight[0][1]:
                    waiting = [entry for entry in flight if not entry[1]]
                    ask, answer = waiting[pick(len(waiting))]
                    answer.append(answered(shop, ask, limit))
                    assert len(shop.requests) < MOST_REQUESTS
                step = steps.send(flight.pop(0)[1][0])
            else:
                pages.append(step)
                step = next(steps)
    except StopIteration:
        return pages


def moving(shop: Shop, schedule: list[tuple[str, int, int]]) -> None:
    """Lets the schedule's changes happen, one before each answer but the first."""
    left: Iterator[tuple[str, int, int]] = iter(schedule)

    def between(number: int) -> None:
        change, place, milliseconds = next(left, ("nothing", 0, 1)) if number else ("nothing", 0, 0)
        assert shop.now is not None
        shop.now += timedelta(milliseconds=milliseconds)
        if change == "add":
            shop.add()
        elif len(shop) and change != "nothing":
            getattr(shop, change)(shop.id_at(place % len(shop)))

    shop.between = between


def ids(pages: list[Page[AISession]]) -> list[Any]:
    return [session.id for page in pages for session in page.items]


@given(
    size=st.integers(0, 40),
    schedule=changes,
    order=st.sampled_from(ORDERS),
    base=st.integers(0, 1),
    limit=st.integers(1, 12),
    cap=st.integers(1, 12),
    inclusive=st.tuples(st.booleans(), st.booleans()),
    concurrency=st.integers(1, 5),
    skew=st.sampled_from([0, 0, 3600, -3600]),
    data=st.data(),
)
def test_what_stays_arrives_once_whatever_changes_between_requests(
    size: int,
    schedule: list[tuple[str, int, int]],
    order: str,
    base: int,
    limit: int,
    cap: int,
    inclusive: tuple[bool, bool],
    concurrency: int,
    skew: int,
    data: st.DataObject,
) -> None:
    shop = Shop.of(
        size,
        start=NOON - timedelta(minutes=40),
        order=order,
        page_base=base,
        cap=cap,
        inclusive=inclusive,
        now=NOON,
    )
    before = set(shop.ids_in_order())
    moving(shop, schedule)
    steps: Steps[AISession] = read_list(
        None, (None, None), concurrency, now=lambda: shop.clock() + timedelta(seconds=skew)
    )
    found = ids(read(steps, shop, limit, lambda waiting: data.draw(st.integers(0, waiting - 1))))
    stayed = before & set(shop.ids_in_order())
    assert sorted(stayed - set(found)) == []
    assert sorted(found) == sorted(set(found))
