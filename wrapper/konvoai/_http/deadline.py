"""The time limit of one attempt, and its cancellation."""

import threading
import time
from contextvars import ContextVar
from typing import Self

import httpx

from ..errors import KonvoError

ATTEMPT_TIMEOUT = 300.0
POLL_INTERVAL = 0.1
"""Seconds within which a waiting thread notices that its request was cancelled."""


class DeadlineExceeded(httpx.ReadTimeout):
    """An attempt that lasted ATTEMPT_TIMEOUT, however steadily its bytes arrived."""

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(f"the response was not complete after {seconds:g} s")


class RequestCancelled(KonvoError):
    """The request was cancelled: its client was closed or its iterator abandoned."""


class Deadline:
    """The time limit of one attempt.

    Args:
        seconds: The limit.
        cancelled: Events, any of which cancels the attempt.
    """

    def __init__(self, seconds: float, *cancelled: threading.Event) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._cancelled = cancelled

    def remaining(self) -> float:
        """Return the seconds left; raise `RequestCancelled` or `DeadlineExceeded`."""
        if any(event.is_set() for event in self._cancelled):
            raise RequestCancelled("the request was cancelled: its client was closed or its iterator abandoned")
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlineExceeded.after(self._seconds)
        return remaining


CURRENT_DEADLINE: ContextVar[Deadline | None] = ContextVar("CURRENT_DEADLINE", default=None)
