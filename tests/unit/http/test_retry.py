from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai._http.headers import http_date, retry_after
from konvoai._http.retry import is_retryable, retry_delay


def response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 529])
def test_a_status_that_may_pass_is_tried_again(status: int) -> None:
    assert is_retryable(response(status))


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 422])
def test_a_status_that_cannot_change_is_final(status: int) -> None:
    assert not is_retryable(response(status))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_lost_connection_may_pass(error: type[httpx.TransportError]) -> None:
    assert is_retryable(error("lost"))


@pytest.mark.parametrize("error", [httpx.UnsupportedProtocol("ftp"), httpx.ConnectError("CERTIFICATE_VERIFY_FAILED")])
def test_what_is_wrong_on_our_side_is_final(error: httpx.TransportError) -> None:
    assert not is_retryable(error)


def test_delays_double_up_to_half_a_minute() -> None:
    delays = [retry_delay(response(500), attempt, 10, 0.0) for attempt in range(9)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@given(jitter=st.floats(0, 1), attempt=st.integers(0, 10_000))
def test_luck_takes_at_most_a_quarter_off(jitter: float, attempt: int) -> None:
    full = retry_delay(response(500), attempt, 10_001, 0.0)
    delay = retry_delay(response(500), attempt, 10_001, jitter)
    assert full is not None
    assert delay is not None
    assert 0.75 * full <= delay <= full


def test_the_last_attempt_is_final() -> None:
    assert retry_delay(response(500), 4, 4, 0.0) is None


def test_retry_after_is_obeyed_to_the_second() -> None:
    assert retry_delay(response(503, retry_after="17"), 0, 4, 0.9) == 17


def test_a_retry_after_of_more_than_two_minutes_is_not_waited_for() -> None:
    assert retry_delay(response(429, retry_after="121"), 0, 4, 0.0) is None


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
def test_retry_after_is_a_number_or_a_date_by_the_servers_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(response(503, **headers).headers) == seconds


def test_an_http_date_is_aware() -> None:
    assert http_date("Sun, 22 Nov 2026 12:00:00 GMT") == datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(st.text())
def test_no_header_upsets_the_reading(text: str) -> None:
    wait = retry_after({"retry-after": text, "date": text})
    assert wait is None or wait >= 0
