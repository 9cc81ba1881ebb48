"""What follows an attempt: pure decisions, without a client, a clock or a sleep."""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from ._watch import TookTooLong

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


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, from its number or from its date as told by the server's own clock (`Date`)."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        due, now = http_date(text), http_date(headers.get("date", ""))
        if due is None:
            return None
        seconds = (due - (now or datetime.now(due.tzinfo))).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def http_date(text: str) -> datetime | None:
    """An HTTP date as an aware datetime, or None where it is none."""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else None
