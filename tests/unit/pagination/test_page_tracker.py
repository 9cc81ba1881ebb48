from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai import AISession, Page
from konvoai._pagination.list_flow import ListFlow
from konvoai._pagination.page_tracker import PageTracker
from konvoai._pagination.protocol import PageResponse, ServerTraits
from konvoai._pagination.record_keys import SeenIds, record_keys
from konvoai.testing._store.store import Store
from tests.support.flows import read


def sessions(number: int) -> list[AISession]:
    return [AISession(id=str(i)) for i in range(number)]


class Walk:
    """The pages of a query, as a list reads them."""

    def __init__(self, page: int | None = None) -> None:
        self.seen = SeenIds[AISession]()
        self.tracker = PageTracker(ServerTraits(), self.seen, page, closed=page is None)

    def on_response(self, response: PageResponse[AISession]) -> Page[AISession] | None:
        keys = record_keys(response.items)
        new = self.seen.add(response.items, keys)
        number = self.tracker.on_response(response, keys)
        return Page(number, new, response.count) if new else None

    def request_and_respond(self, response: PageResponse[AISession]) -> Page[AISession] | None:
        self.tracker.next_pages(1)
        return self.on_response(response)


def walk(
    records: list[AISession], *, page: int | None = None, limit: int, base: int, cap: int, count: Any
) -> list[Page[AISession]]:
    """Reads `records` from a server in memory; fails where the tracker requests far more than there is."""
    walk = Walk(page)
    pages: list[Page[AISession]] = []
    for _ in range(len(records) + 5):
        if walk.tracker.ended:
            return pages
        size = min(limit, cap)
        (requested,) = walk.tracker.next_pages(1)
        number = max((base if requested is None else requested) - base, 0)
        received = walk.on_response(PageResponse(records[number * size : (number + 1) * size], count))
        if received is not None:
            pages.append(received)
    raise AssertionError("the tracker does not end")


@given(
    size=st.integers(0, 40),
    limit=st.integers(1, 12),
    base=st.integers(0, 1),
    cap=st.integers(1, 12),
    count=st.none() | st.integers(0, 40) | st.just("honest"),
)
def test_every_record_arrives_once_with_any_base_and_count(
    size: int, limit: int, base: int, cap: int, count: int | str | None
) -> None:
    records = sessions(size)
    told = size if count == "honest" else count
    pages = walk(records, limit=limit, base=base, cap=cap, count=told)
    assert [session for page in pages for session in page.items] == records


@given(size=st.integers(1, 40), base=st.integers(0, 1), limit=st.integers(1, 10))
def test_pages_have_the_numbers_of_the_server(size: int, base: int, limit: int) -> None:
    store = Store.of(size, page_base=base)
    pages = read(ListFlow[AISession](None, (None, None), limit, 1, store.clock).read(), store, limit)
    first = base if size >= limit else 0
    assert [page.number for page in pages] == list(range(first, first + len(pages)))


def test_a_list_begins_at_the_page_that_is_asked_for() -> None:
    pages = walk(sessions(10), page=2, limit=3, base=1, cap=3, count=10)
    assert [session.id for page in pages for session in page.items] == ["3", "4", "5", "6", "7", "8", "9"]


def test_a_page_shorter_than_the_one_before_is_the_last() -> None:
    walk = Walk()
    records = sessions(7)
    walk.request_and_respond(PageResponse(records[:4], 7))
    assert not walk.tracker.ended
    walk.request_and_respond(PageResponse(records[4:], 7))
    assert walk.tracker.ended


def test_a_short_page_is_not_the_end_while_the_count_says_more() -> None:
    walk = Walk()
    records = sessions(7)
    walk.request_and_respond(PageResponse(records[:4], 8))
    walk.request_and_respond(PageResponse(records[4:], 8))
    assert not walk.tracker.ended


def test_a_full_first_page_is_never_the_last() -> None:
    walk = Walk()
    walk.request_and_respond(PageResponse(sessions(4), 4))
    assert not walk.tracker.ended


def test_records_without_an_id_are_never_taken_for_one_another() -> None:
    records = [AISession(workspace_id="same", feed_id=str(i)) for i in range(7)]
    pages = walk(records, limit=2, base=0, cap=2, count=None)
    assert [session for page in pages for session in page.items] == records


@pytest.mark.parametrize("with_id", [True, False])
def test_a_server_that_ignores_page_ends_the_pages(with_id: bool) -> None:
    same = PageResponse([AISession(id="1") if with_id else AISession(feed_id="1")], 3)
    walk = Walk()
    walk.request_and_respond(same)
    walk.request_and_respond(same)
    assert not walk.tracker.ended
    walk.request_and_respond(same)
    assert walk.tracker.ended
    assert (len(walk.seen), walk.tracker.lowest) == (1, 3)


def test_a_server_that_ignores_page_and_counts_no_more_ends_the_list() -> None:
    same = PageResponse(sessions(1), 0)
    walk = Walk()
    pages = [walk.request_and_respond(same) for _ in range(3)]
    assert [page and len(page.items) for page in pages] == [1, None, None]
    assert walk.tracker.ended
