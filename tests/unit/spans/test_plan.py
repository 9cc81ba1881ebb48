"""The spans that share a reading: pure decisions over counts."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai._spans.plan import MAX_COUNTS, MIN_RECORDS, SHIFTS, Span, plan

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Count = Callable[[datetime | None, datetime | None], int | None]


def planned(count: Count, spans: int, since: datetime | None = None, until: datetime = NOW) -> tuple[list[Span], int]:
    """Returns the spans, and how many counts they took."""
    flow = plan(since, until, spans)
    bounds, counts = next(flow), 1
    while True:
        try:
            bounds = flow.send(count(*bounds))
        except StopIteration as end:
            return end.value, counts
        counts += 1


def counter(times: list[datetime]) -> Count:
    times = sorted(times)

    def count(minimum: datetime | None, maximum: datetime | None) -> int:
        last = len(times) if maximum is None else bisect_right(times, maximum)
        return max(last - (0 if minimum is None else bisect_left(times, minimum)), 0)

    return count


def spread(number: int, days: float) -> list[datetime]:
    return [NOW - timedelta(days=days) * (index + 1) / (number + 1) for index in range(number)]


SHAPES = {
    "even": spread(20_000, 365),
    "of one day, years ago": [time - timedelta(days=2000) for time in spread(20_000, 1)],
    "of the last minutes": spread(20_000, 0.01),
    "growing tenfold": [NOW - timedelta(days=700) * (1 - (index / 20_000) ** 0.3) for index in range(20_000)],
    "two busy weeks": spread(10_000, 7) + [time - timedelta(days=900) for time in spread(10_000, 7)],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spans", [2, 4, 16])
def test_spans_have_about_as_many_sessions_each(shape: str, spans: int) -> None:
    count = counter(SHAPES[shape])
    found, counts = planned(count, spans)
    sizes = [count(span.start, span.end) or 0 for span in found]
    assert spans == len(found)
    assert max(sizes) <= 1.3 * 20_000 / spans
    assert counts <= 10 + 12 * spans
    assert all(abs(size - (span.count or 0)) <= 40 for size, span in zip(sizes, found, strict=True))


def test_no_session_is_on_both_sides_of_a_cut() -> None:
    count = counter(SHAPES["even"])
    found, _ = planned(count, 16)
    assert 20_000 == sum(count(span.start, span.end) or 0 for span in found)


moments = st.integers(0, 10**6) | st.integers(0, 2000) | st.just(5)


@given(
    st.lists(moments, max_size=30),
    st.integers(1, 60),
    st.integers(1, 40),
    st.none() | st.integers(0, 10**6),
)
def test_spans_cover_all_time_in_order(steps: list[int], times: int, spans: int, since: int | None) -> None:
    sessions = [NOW - timedelta(seconds=step) for step in steps for _ in range(times)]
    start = None if since is None else NOW - timedelta(seconds=since)
    found, _ = planned(counter(sessions), spans, start)
    assert 1 <= len(found) <= spans
    assert (start, NOW) == (found[0].start, found[-1].end)
    assert [span.end for span in found[:-1]] == [span.start for span in found[1:]]
    ends = [span.end for span in found]
    assert sorted(set(ends)) == ends
    assert start is None or start < ends[0] or start == NOW


@given(st.lists(st.none() | st.integers(0, 10**6), min_size=1), st.integers(1, 50))
def test_spans_end_whatever_the_server_counts(counts: list[int | None], spans: int) -> None:
    asked = 0

    def count(minimum: datetime | None, maximum: datetime | None) -> int | None:
        nonlocal asked
        asked += 1
        return counts[asked % len(counts)]

    found, requests = planned(count, spans)
    assert (None, NOW) == (found[0].start, found[-1].end)
    assert [span.end for span in found[:-1]] == [span.start for span in found[1:]]
    assert all(span.start is None or span.start < span.end for span in found)
    assert requests <= MAX_COUNTS + len(SHIFTS) + 20


@pytest.mark.parametrize("count", [None, 0, 1, MIN_RECORDS])
def test_few_sessions_or_no_count_are_one_span(count: int | None) -> None:
    assert ([Span(None, NOW, count)], 1) == planned(lambda minimum, maximum: count, 8)


def test_a_server_that_counts_everything_gets_one_span() -> None:
    found, counts = planned(lambda minimum, maximum: 10_000, 8)
    assert [Span(None, NOW, 10_000)] == found
    assert counts < 16


def test_a_burst_is_not_cut() -> None:
    burst = [NOW - timedelta(days=50)] * 5000
    count = counter(spread(15_000, 100) + burst)
    found, _ = planned(count, 16)
    assert 20_000 <= sum(count(span.start, span.end) or 0 for span in found) < 20_010
