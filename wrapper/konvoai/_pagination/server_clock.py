"""Past times by the clock of the server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

SECOND = timedelta(seconds=1)


class ServerClock:
    """The server's time: its latest `Date`, or this machine's clock until there is one."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._date: datetime | None = None

    def observe(self, date: datetime | None) -> None:
        if date is not None:
            self._date = max(date, self._date or date)

    def now(self) -> datetime:
        """The server's time in whole seconds, which is what `Date` has."""
        return (self._date or self._now().astimezone(UTC)).replace(microsecond=0)
