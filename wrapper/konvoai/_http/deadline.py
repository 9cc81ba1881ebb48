"""Bounds on one attempt: how long it may take as a whole, how large its answer may be, and an end at any moment."""

import threading
import time
from contextvars import ContextVar

import httpx

from ..errors import KonvoError

ATTEMPT_TIMEOUT = 300.0
TIMEOUT_MESSAGE = "the answer was not complete after {:g} s"
POLL_INTERVAL = 0.1
"""Seconds within which a thread that waits for the server hears that it is no longer wanted."""


class DeadlineExceeded(httpx.ReadTimeout):
    """An attempt that lasted ATTEMPT_TIMEOUT, however steadily its bytes came."""


class RequestCancelled(KonvoError):
    """Nobody waits for this request any more."""


class Deadline:
    """What a request of a thread is held to.

    Args:
        stops: Any of them, once set, ends it.
    """

    def __init__(self, seconds: float, *stops: threading.Event) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._stops = stops

    def remaining(self) -> float:
        """The seconds left; raises `RequestCancelled` or `DeadlineExceeded`."""
        for stop in self._stops:
            if stop.is_set():
                raise RequestCancelled("this client was closed, or its reading ended, while a request was under way")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(TIMEOUT_MESSAGE.format(self._seconds))
        return left


CURRENT_DEADLINE: ContextVar[Deadline | None] = ContextVar("WATCH", default=None)
