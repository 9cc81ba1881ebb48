"""Bounds on one attempt: how long it may take as a whole, how large its answer may be, and an end at any moment."""

import threading
import time
from contextvars import ContextVar

import httpx

from ..errors import KonvoError

LONGEST_ATTEMPT = 300.0
TOO_LONG = "the answer was not complete after {:g} s"
SLICE = 0.1
"""Seconds within which a thread that waits for the server hears that it is no longer wanted."""


class TookTooLong(httpx.ReadTimeout):
    """An attempt that lasted LONGEST_ATTEMPT, however steadily its bytes came."""


class Stopped(KonvoError):
    """Nobody waits for this request any more."""


class Watch:
    """What a request of a thread is held to.

    Args:
        stops: Any of them, once set, ends it.
    """

    def __init__(self, seconds: float, *stops: threading.Event) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._stops = stops

    def left(self) -> float:
        """The seconds left; raises `Stopped` or `TookTooLong`."""
        for stop in self._stops:
            if stop.is_set():
                raise Stopped("this client was closed, or its reading ended, while a request was under way")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TookTooLong(TOO_LONG.format(self._seconds))
        return left


WATCH: ContextVar[Watch | None] = ContextVar("WATCH", default=None)
