"""Values of response headers."""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After` (RFC 9110, 10.2.3); a date counts from the server's own `Date`."""
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
    """Return an HTTP date as an aware datetime, or None where it is invalid."""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else None
