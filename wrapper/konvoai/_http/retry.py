"""Whether and when to retry: pure decisions, without a client, a clock or a sleep."""

import httpx

from .deadline import DeadlineExceeded
from .headers import retry_after

INITIAL_BACKOFF = 0.5
MAX_BACKOFF = 30.0
MAX_RETRY_AFTER = 120.0
RETRYABLE_STATUS_CODES = frozenset([408, 429, 500, 502, 503, 504, *range(520, 530)])
NON_RETRYABLE = (DeadlineExceeded, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)
Outcome = httpx.Response | Exception
"""The result of one attempt: a response that was read to its end, or what httpx raised."""


def retry_delay(outcome: Outcome, attempt: int, max_retries: int, jitter: float) -> float | None:
    """Return the seconds to wait before the next attempt, or None where `outcome` is final.

    Args:
        attempt: The number of earlier attempts.
        jitter: A random number in [0, 1); shortens the delay by up to 25 % so that clients do not retry in step.
    """
    if attempt >= max_retries or not is_retryable(outcome):
        return None
    if isinstance(outcome, httpx.Response):
        seconds = retry_after(outcome.headers)
        if seconds is not None:
            return seconds if seconds <= MAX_RETRY_AFTER else None
    return min(INITIAL_BACKOFF * 2.0 ** min(attempt, 32), MAX_BACKOFF) * (1 - jitter / 4)


def is_retryable(outcome: Outcome) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in RETRYABLE_STATUS_CODES
    return not isinstance(outcome, NON_RETRYABLE) and "CERTIFICATE_VERIFY_FAILED" not in str(outcome)
