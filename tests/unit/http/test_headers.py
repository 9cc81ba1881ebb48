"""Values of response headers."""

import math
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai._http.headers import http_date, retry_after


def response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "0"}, None),
        ({"retry_after": "-0.0"}, None),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 30),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:00 GMT", "date": "Sun, 22 Nov 2026 12:00:30 GMT"}, None),
        ({"retry_after": "Sun, 22 Nov 1998 12:00:00 GMT"}, None),
        ({"retry_after": "Sat, 01 Jan 0000 00:00:00 GMT"}, None),
        ({"retry_after": "9" * 400}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(response(503, **headers).headers) == seconds


def test_an_http_date_is_aware() -> None:
    assert http_date("Sun, 22 Nov 2026 12:00:00 GMT") == datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "Sun, 22 Nov 2026 12:00:00",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Sun, 31 Nov 2026 12:00:00 GMT",
        "Sun, 22 Nov 2026 25:00:00 GMT",
        "Sun, 22 Nov 99999999999999999999 12:00:00 GMT",
        "Sun, 22 Nov 2026 12:00:00 +99999999999999999999",
        "Sun, 22 Nov 2026 12:00:00 +9999",
    ],
)
def test_an_impossible_date_is_none(text: str) -> None:
    assert http_date(text) is None


numbers = st.integers(-1, 99) | st.sampled_from([1969, 1970, 2026, 8999, 9000, 9999, 10**4, 10**20])
dates = st.tuples(
    numbers, st.sampled_from(["Jan", "Feb", "Dec", "x"]), *[numbers] * 4, st.integers(-(10**5), 10**5)
).map(lambda parts: "Mon, {:02} {} {:04} {:02}:{:02}:{:02} {:+05}".format(*parts))
texts = st.text() | st.integers().map(str) | st.floats().map(str) | dates


@given(texts, texts)
def test_no_header_raises_an_exception(delay: str, date: str) -> None:
    wait = retry_after({"retry-after": delay, "date": date})
    assert wait is None or 0 < wait < math.inf
    clock = http_date(date)
    assert clock is None or clock.utcoffset() == timedelta(0)
