"""The course of one request: decides when to send, wait, retry or end."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Generator
from typing import Any

import httpx

from .._settings import Settings
from ..errors import KonvoError
from .clients import CLOSED
from .deadline import signal_error
from .headers import retry_after
from .log import logger
from .retry import Outcome, retry_delay
from .status_errors import require_success
from .throttle import Throttle

TRANSPORT_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""What httpx and the system raise when a request or its response is lost."""
Step = httpx.Request | float
"""What `request_flow` yields: a request to send, or the seconds to wait at most."""


def request_flow(
    http: httpx.Client | httpx.AsyncClient, kwargs: dict[str, Any], settings: Settings, throttle: Throttle
) -> Generator[Step, Any, httpx.Response]:
    """Yields what to send and how long to wait; returns the response of status 200, or raises the final error."""
    attempt, due = 0, -math.inf
    while True:
        while (wait := due - time.monotonic()) > 0 or (wait := throttle.acquire(time.monotonic())) > 0:
            yield wait
        try:
            if http.is_closed:
                raise KonvoError(CLOSED)
            request = http.build_request(**kwargs)
            sent_at = time.monotonic()
            outcome: Outcome = yield request
            now = time.monotonic()
            if isinstance(outcome, httpx.Response):
                throttle.on_response(outcome.status_code, sent_at, now)
        finally:
            throttle.release()
        size = outcome.num_bytes_downloaded if isinstance(outcome, httpx.Response) else 0
        logger.debug(
            "%s %s: %s, attempt %d, %.0f ms, %d bytes",
            *(request.method, request.url.path, outcome_name(outcome), attempt + 1, (now - sent_at) * 1000, size),
        )
        delay = retry_delay(outcome, attempt, settings.max_retries, jitter=random.random())  # noqa: S311
        attempt += 1
        if delay is None:
            return require_success(outcome, request, attempt, settings.key_source)
        due = now + delay
        if isinstance(outcome, httpx.Response) and (outcome.status_code == 429 or retry_after(outcome.headers)):
            throttle.pause_until(due)
        logger.info(
            "%s %s: %s, next attempt (%d of %d) in %.1f s",
            *(request.method, request.url.path, outcome_name(outcome), attempt + 1, settings.max_retries + 1, delay),
        )


def advance(flow: Generator[Step, Any, httpx.Response], outcome: Outcome | None) -> Step | httpx.Response:
    """Returns the next step, or the response at the end; a `StopIteration` of a hook or a transport is neither."""
    try:
        return flow.send(outcome)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def outcome_name(outcome: Outcome) -> str:
    return str(outcome.status_code) if isinstance(outcome, httpx.Response) else type(outcome).__name__


def as_outcome(error: Exception) -> Outcome:
    """Returns the outcome of a failed attempt, or raises what a signal handler of the program raised.

    A hook of the user that raises for a status still had a response.
    """
    if raised := signal_error(error):
        raise raised from None
    if isinstance(error, httpx.HTTPStatusError):
        return error.response
    error.__traceback__ = error.__cause__ = error.__context__ = None  # their frames hold the key
    return error
