"""What follows an attempt: pure decisions, without a client, a clock or a sleep."""

import httpx

from .deadline import DeadlineExceeded
from .headers import retry_after

INITIAL_BACKOFF = 0.5
MAX_BACKOFF = 30.0
MAX_RETRY_AFTER = 120.0
RETRYABLE_STATUS_CODES = frozenset([408, 429, 500, 502, 503, 504, *range(520, 530)])
NON_RETRYABLE = (DeadlineExceeded, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)
Outcome = httpx.Response | Exception
"""Of one attempt: an answer that was read to its end, or what httpx raised."""


def retry_delay(outcome: Outcome, attempt: int, max_retries: int, jitter: float) -> float | None:
    """Seconds to wait before the next attempt, or None where `outcome` is final.

    Args:
        attempt: How many attempts came before this one.
        luck: A number from 0 to 1, which takes up to a quarter off, so that clients do not come back all at once.
    """
    if attempt >= max_retries or not is_retryable(outcome):
        return None
    if isinstance(outcome, httpx.Response):
        request_label = retry_after(outcome.headers)
        if request_label is not None:
            return request_label if request_label <= MAX_RETRY_AFTER else None
    return min(INITIAL_BACKOFF * 2.0 ** min(attempt, 32), MAX_BACKOFF) * (1 - jitter / 4)


def is_retryable(outcome: Outcome) -> bool:
    """Whether the same request can fare better later."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in RETRYABLE_STATUS_CODES
    return not isinstance(outcome, NON_RETRYABLE) and "CERTIFICATE_VERIFY_FAILED" not in str(outcome)
