"""The time limit of one attempt, its cancellation, and signals that end it."""

import threading
import time
import traceback
from contextvars import ContextVar
from itertools import pairwise
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


def signal_error(error: BaseException) -> BaseException | None:
    """Return the exception that a signal handler of the program raised, where it caused this error.

    Python runs a handler in the middle of a call, here one of the network. Its `TimeoutError` looks like the one of a
    socket, and httpcore translates both.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    # An argument of a signal handler is the frame that it interrupts: no other function receives its caller's frame.
    for interrupted, frame in pairwise(frames):
        for value in frame.f_locals.values():
            if any(item is interrupted for item in (value if isinstance(value, tuple) else (value,))):
                return error
    cause = error.__cause__ or next(iter(error.args), None)  # httpcore keeps the original in `args` alone
    return signal_error(cause) if isinstance(cause, BaseException) else None
