"""Lists without pages, and lists without time filters read as a scan."""

from datetime import UTC, datetime

import pytest

from konvoai import IncompleteError
from konvoai._pagination.protocol import PageRequest, PageResponse, Window
from konvoai._pagination.simple_flows import as_windows, one_page

REQUEST = PageRequest(None, None, None)
BEGAN = datetime(2026, 2, 25, tzinfo=UTC)


def test_a_list_without_pages_is_its_only_response() -> None:
    flow = one_page(REQUEST)
    assert [REQUEST] == next(flow)
    assert ["a", "b"] == flow.send(PageResponse(["a", "b"], 2)).items
    with pytest.raises(StopIteration):
        next(flow)


def test_a_response_that_counts_more_than_it_has_is_an_error() -> None:
    flow = one_page(REQUEST)
    next(flow)
    flow.send(PageResponse(["a"], 2))
    with pytest.raises(IncompleteError):
        next(flow)


def test_windows_without_times_end_where_the_reading_began() -> None:
    flow = as_windows(one_page(REQUEST), BEGAN)
    assert [REQUEST] == next(flow)
    first, last = flow.send(PageResponse(["a"], None)), next(flow)
    assert isinstance(first, Window)
    assert (["a"], [], BEGAN) == (first.items, last.items, last.end)
