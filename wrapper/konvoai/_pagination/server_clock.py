"""Past times by the clock of the server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .protocol import MILLISECOND

CLOCK_TOLERANCE = timedelta(seconds=2)


class ServerClock:
    """Tells moments that are past on the server: by this machine's clock, unless `Date` shows that it goes wrong."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._date: datetime | None = None
        self._differs = False

    def observe(self, date: datetime | None) -> bool:
        """Takes the `Date` of an answer; tells whether it is the first that shows another clock than ours."""
        if date is None:
            return False
        first, self._date = self._date is None, max(date, self._date or date)
        if first:  # `Date` tells whole seconds, those already begun
            self._differs = not date - CLOCK_TOLERANCE <= self._now() <= date + CLOCK_TOLERANCE + timedelta(seconds=1)
        return first and self._differs

    def now(self) -> datetime:
        """The last millisecond that is wholly past."""
        now = self._date if self._differs and self._date else self._now().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000) - MILLISECOND
