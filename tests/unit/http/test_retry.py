"""Which outcomes are retried, and when."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai._http.retry import is_retryable, retry_delay


def response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 529])
def test_a_passing_status_is_retryable(status: int) -> None:
    assert is_retryable(response(status))


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 422])
def test_another_status_is_final(status: int) -> None:
    assert not is_retryable(response(status))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_lost_connection_is_retryable(error: type[httpx.TransportError]) -> None:
    assert is_retryable(error("lost"))


@pytest.mark.parametrize("error", [httpx.UnsupportedProtocol("ftp"), httpx.ConnectError("CERTIFICATE_VERIFY_FAILED")])
def test_a_fault_of_the_client_is_final(error: httpx.TransportError) -> None:
    assert not is_retryable(error)


def test_delays_double_up_to_half_a_minute() -> None:
    delays = [retry_delay(response(500), attempt, 10, 0.0) for attempt in range(9)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@given(jitter=st.floats(0, 1), attempt=st.integers(0, 10_000))
def test_jitter_shortens_a_delay_by_at_most_a_quarter(jitter: float, attempt: int) -> None:
    full = retry_delay(response(500), attempt, 10_001, 0.0)
    delay = retry_delay(response(500), attempt, 10_001, jitter)
    assert full is not None
    assert delay is not None
    assert 0.75 * full <= delay <= full


def test_the_last_attempt_is_final() -> None:
    assert retry_delay(response(500), 4, 4, 0.0) is None


def test_retry_after_is_the_delay() -> None:
    assert retry_delay(response(503, retry_after="17"), 0, 4, 0.9) == 17


def test_a_retry_after_above_two_minutes_is_final() -> None:
    assert retry_delay(response(429, retry_after="121"), 0, 4, 0.0) is None


@pytest.mark.parametrize("text", ["0", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT", "soon"])
def test_a_retry_after_without_a_wait_falls_back_to_the_backoff(text: str) -> None:
    delays = [retry_delay(response(429, retry_after=text), attempt, 4, 0.0) for attempt in range(3)]
    assert delays == [0.5, 1.0, 2.0]
