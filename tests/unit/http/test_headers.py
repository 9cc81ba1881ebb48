"""Values of response headers."""

from datetime import UTC, datetime

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
        ({"retry_after": "0"}, 0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "-3"}, 0),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 30),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:00 GMT", "date": "Sun, 22 Nov 2026 12:00:30 GMT"}, 0),
        ({"retry_after": "Sun, 22 Nov 1998 12:00:00 GMT"}, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(response(503, **headers).headers) == seconds


def test_an_http_date_is_aware() -> None:
    assert http_date("Sun, 22 Nov 2026 12:00:00 GMT") == datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(st.text())
def test_no_header_raises_an_exception(text: str) -> None:
    wait = retry_after({"retry-after": text, "date": text})
    assert wait is None or wait >= 0
