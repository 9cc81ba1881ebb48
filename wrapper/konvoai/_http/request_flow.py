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
    """Yield what to send and how long to wait; return the response of status 200, or raise the final error."""
    attempt, due = 0, -math.inf
    while True:
        while (wait := due - time.monotonic()) > 0 or (wait := throttle.acquire(time.monotonic())) > 0:
            yield wait
        try:
            if http.is_closed:
                raise KonvoError(CLOSED)
            request = build_request(http, **kwargs)
            sent_at = time.monotonic()
            outcome: Outcome = yield request
            now = time.monotonic()
            if isinstance(outcome, httpx.Response):
                throttle.on_response(outcome.status_code, sent_at, now)
        finally:
            throttle.release()
        log_attempt(request, outcome, attempt, now - sent_at)
        delay = retry_delay(outcome, attempt, settings.max_retries, jitter=random.random())  # noqa: S311
        attempt += 1
        if delay is None:
            return require_success(outcome, request, attempt, settings.key_source)
        due = now + delay
        if isinstance(outcome, httpx.Response) and requires_pause(outcome):
            throttle.pause_until(due)
        logger.info(
            "%s %s: %s, next attempt (%d of %d) in %.1f s",
            *(request.method, request.url.path, outcome_name(outcome), attempt + 1, settings.max_retries + 1, delay),
        )


def advance(flow: Generator[Step, Any, httpx.Response], outcome: Outcome | None) -> Step | httpx.Response:
    """Return the next step, or the response at the end; a `StopIteration` of a hook or a transport is neither."""
    try:
        return flow.send(outcome)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def requires_pause(response: httpx.Response) -> bool:
    return response.status_code == 429 or retry_after(response.headers) is not None


def log_attempt(request: httpx.Request, outcome: Outcome, attempt: int, seconds: float) -> None:
    size = outcome.num_bytes_downloaded if isinstance(outcome, httpx.Response) else 0
    logger.debug(
        "%s %s: %s, attempt %d, %.0f ms, %d bytes",
        *(request.method, request.url.path, outcome_name(outcome), attempt + 1, seconds * 1000, size),
    )


def outcome_name(outcome: Outcome) -> str:
    return str(outcome.status_code) if isinstance(outcome, httpx.Response) else type(outcome).__name__


def build_request(
    http: httpx.Client | httpx.AsyncClient, method: str, url: str, params: dict[str, Any] | None = None, **rest: Any
) -> httpx.Request:
    """Return the request of a generated builder; its URL is joined here, as httpx would parse it three times."""
    query = f"?{httpx.QueryParams(params)}" if params else ""
    return http.build_request(method, f"{str(http.base_url).rstrip('/')}{url}{query}", **rest)


def as_outcome(error: Exception) -> Outcome:
    """Return the outcome of a failed attempt, or raise what a signal handler of the program raised.

    A hook of the user that raises for a status still had a response.
    """
    if raised := signal_error(error):
        raise raised from None
    if isinstance(error, httpx.HTTPStatusError):
        return error.response
    error.__traceback__ = error.__cause__ = error.__context__ = None  # their frames hold the key
    return error
