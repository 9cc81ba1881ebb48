from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai import AISession, Page, PaginationError
from konvoai._pagination.page_tracker import PageTracker, SeenIds
from konvoai._pagination.protocol import PageResponse


def sessions(number: int) -> list[AISession]:
    return [AISession(id=str(i)) for i in range(number)]


def ask_and_receive(tracker: PageTracker[AISession], answer: PageResponse[AISession]) -> Page[AISession] | None:
    tracker.next_pages(1)
    return tracker.on_response(answer)


def tracker(
    records: list[AISession], *, page: int | None = None, limit: int, base: int, cap: int, count: Any
) -> list[Page[AISession]]:
    """Reads `records` from a server in memory; fails where the tracker asks far more than there is."""
    tracker = PageTracker[AISession](page, SeenIds())
    pages = []
    for _ in range(len(records) + 5):
        if tracker.ended:
            return pages
        size = min(limit, cap)
        (asked,) = tracker.next_pages(1)
        number = max((base if asked is None else asked) - base, 0)
        received = tracker.on_response(PageResponse(records[number * size : (number + 1) * size], count))
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
    try:
        pages = tracker(records, limit=limit, base=base, cap=cap, count=told)
    except PaginationError:
        raise AssertionError("nothing was repeated but the first page") from None
    assert [session for page in pages for session in page.items] == records


@given(size=st.integers(1, 40), base=st.integers(0, 1), limit=st.integers(1, 10))
def test_pages_have_the_numbers_of_the_server(size: int, base: int, limit: int) -> None:
    pages = tracker(sessions(size), limit=limit, base=base, cap=limit, count=None)
    first = base if size else 0
    assert [page.number for page in pages] == list(range(first, first + len(pages)))


def test_a_list_begins_at_the_page_that_is_asked_for() -> None:
    pages = tracker(sessions(10), page=2, limit=3, base=1, cap=3, count=10)
    assert [session.id for page in pages for session in page.items] == ["3", "4", "5", "6", "7", "8", "9"]


def test_a_page_shorter_than_the_one_before_is_the_last() -> None:
    tracker = PageTracker[AISession](None, SeenIds())
    records = sessions(7)
    ask_and_receive(tracker, PageResponse(records[:4], 7))
    assert not tracker.ended
    ask_and_receive(tracker, PageResponse(records[4:], 7))
    assert tracker.ended


def test_a_short_page_is_not_the_end_while_the_count_says_more() -> None:
    tracker = PageTracker[AISession](None, SeenIds())
    records = sessions(7)
    ask_and_receive(tracker, PageResponse(records[:4], 8))
    ask_and_receive(tracker, PageResponse(records[4:], 8))
    assert not tracker.ended


def test_a_full_first_page_is_never_the_last() -> None:
    tracker = PageTracker[AISession](None, SeenIds())
    ask_and_receive(tracker, PageResponse(sessions(4), 4))
    assert not tracker.ended


def test_records_without_an_id_are_never_taken_for_one_another() -> None:
    records = [AISession(workspace_id="same", feed_id=str(i)) for i in range(7)]
    pages = tracker(records, limit=2, base=0, cap=2, count=None)
    assert [session for page in pages for session in page.items] == records


@pytest.mark.parametrize("with_id", [True, False])
def test_a_server_that_ignores_page_ends_the_pages(with_id: bool) -> None:
    same = PageResponse([AISession(id="1") if with_id else AISession(feed_id="1")], 3)
    tracker = PageTracker[AISession](None, SeenIds())
    ask_and_receive(tracker, same)
    ask_and_receive(tracker, same)
    assert not tracker.ended
    ask_and_receive(tracker, same)
    assert tracker.ended
    assert (tracker.held, tracker.lowest) == (1, 3)


def test_a_server_that_ignores_page_and_counts_no_more_ends_the_list() -> None:
    same = PageResponse(sessions(1), 0)
    tracker = PageTracker[AISession](None, SeenIds())
    pages = [ask_and_receive(tracker, same) for _ in range(3)]
    assert [page and len(page.items) for page in pages] == [1, None, None]
    assert tracker.ended
