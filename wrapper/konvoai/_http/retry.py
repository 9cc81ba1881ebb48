"""What follows an attempt: pure decisions, without a client, a clock or a sleep."""

import httpx

from .deadline import TookTooLong
from .headers import retry_after

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
LONGEST_RETRY_AFTER = 120.0
PASSING = frozenset([408, 429, 500, 502, 503, 504, *range(520, 530)])
HOPELESS = (TookTooLong, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)
Outcome = httpx.Response | Exception
"""Of one attempt: an answer that was read to its end, or what httpx raised."""


def delay_before_retry(outcome: Outcome, attempt: int, max_retries: int, luck: float) -> float | None:
    """Seconds to wait before the next attempt, or None where `outcome` is final.

    Args:
        attempt: How many attempts came before this one.
        luck: A number from 0 to 1, which takes up to a quarter off, so that clients do not come back all at once.
    """
    if attempt >= max_retries or not may_pass(outcome):
        return None
    if isinstance(outcome, httpx.Response):
        asked = retry_after(outcome.headers)
        if asked is not None:
            return asked if asked <= LONGEST_RETRY_AFTER else None
    return min(FIRST_DELAY * 2.0 ** min(attempt, 32), LONGEST_DELAY) * (1 - luck / 4)


def may_pass(outcome: Outcome) -> bool:
    """Whether the same request can fare better later."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in PASSING
    return not isinstance(outcome, HOPELESS) and "CERTIFICATE_VERIFY_FAILED" not in str(outcome)
