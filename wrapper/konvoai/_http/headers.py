"""Values of response headers."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

POSSIBLE_YEARS = range(1970, 9000)
"""Those of a date that can be read as a clock: arithmetic at the ends of the calendar overflows."""
ZERO_YEAR = re.compile(r"(?<![-+\d])0\d{3}\b")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After` (RFC 9110, 10.2.3), or None where it is invalid, 0 or in the past.

    A date counts from the server's own `Date`.
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        due, now = http_date(text), http_date(headers.get("date", ""))
        if due is None:
            return None
        seconds = (due - (now or datetime.now(UTC))).total_seconds()
    return seconds if 0 < seconds < math.inf else None


def http_date(text: str) -> datetime | None:
    """Return an HTTP date as an aware datetime in UTC, or None where it is invalid or impossible."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # Python reads the year 0000 as 2000.
    possible = date.tzinfo and date.year in POSSIBLE_YEARS and not ZERO_YEAR.search(text)
    return date.astimezone(UTC) if possible else None
