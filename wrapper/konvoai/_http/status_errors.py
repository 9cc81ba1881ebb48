"""From an outcome to the response, or to the error that says what happened and what to do."""

from __future__ import annotations

from http.client import responses as PHRASES
from typing import TYPE_CHECKING

import httpx

from .. import errors
from .._settings import BASE_URL_VARIABLE
from ..errors import APIConnectionError, APIStatusError, APITimeoutError, KonvoError, bare_url
from .deadline import DeadlineExceeded
from .headers import retry_after
from .retry import MAX_RETRY_AFTER, Outcome

if TYPE_CHECKING:
    from ..models import Error

ERRORS: dict[int, tuple[type[APIStatusError], str]] = {
    400: (errors.BadRequestError, "correct the parameters"),
    401: (errors.AuthenticationError, "check the key in {key_source}"),
    403: (errors.PermissionDeniedError, "use a key with this permission in {key_source}"),
    404: (errors.NotFoundError, f"check the URL in {BASE_URL_VARIABLE} or base_url="),
    429: (errors.RateLimitError, "send fewer requests, or lower the concurrency"),
}
"""The error of each status, and what to do."""
SERVER_ERROR = (errors.InternalServerError, "try again later")
REDIRECT = f"redirects are not followed: set the final URL in {BASE_URL_VARIABLE} or base_url="


def require_success(outcome: Outcome, request: httpx.Request, attempts: int, key_source: str) -> httpx.Response:
    """Returns the response of status 200; raises the error of any other outcome."""
    if not isinstance(outcome, httpx.Response):
        raise connection_error(outcome, request, attempts) from outcome
    if outcome.status_code != 200:
        raise status_error(outcome, request, attempts, key_source)
    return outcome


def status_error(response: httpx.Response, request: httpx.Request, attempts: int, key_source: str) -> APIStatusError:
    status = response.status_code
    body = error_body(response)
    wait = retry_after(response.headers)
    kind, hint = ERRORS.get(status, SERVER_ERROR if status >= 500 else (APIStatusError, ""))
    parts = [f"{status} {PHRASES.get(status, '')}".strip() + f" from {request_label(request, attempts)}"]
    if body is not None:
        parts.append(body.message)
    if wait is not None and wait > MAX_RETRY_AFTER:
        parts.append(f"the server asks to wait {wait:.0f} s")
    parts.append(REDIRECT if response.is_redirect else hint.format(key_source=key_source))
    request.url = response.request.url = httpx.URL(bare_url(request.url))  # an error shows no query
    return kind("; ".join(filter(None, parts)), response=response, body=body, retry_after=wait)


def connection_error(error: Exception, request: httpx.Request, attempts: int) -> KonvoError:
    if isinstance(error, DeadlineExceeded):
        return APITimeoutError(
            f"{error}, for {request_label(request, attempts)}; request less at once, with a lower limit="
        )
    if isinstance(error, httpx.TimeoutException):
        reason = f"no response in time ({type(error).__name__})"
        return APITimeoutError(f"{reason} to {request_label(request, attempts)}; raise timeout= or try again later")
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return APIConnectionError(f"connection lost for {request_label(request, attempts)}; {reason}; check the network")


def request_label(request: httpx.Request, attempts: int) -> str:
    return f"{request.method} {bare_url(request.url)}" + (f" ({attempts} attempts)" if attempts > 1 else "")


def error_body(response: httpx.Response) -> Error | None:
    """Returns the body as the API document's `Error`, or None where it is something else."""
    try:
        body = response.json()
    except (ValueError, RecursionError, httpx.StreamError):
        return None
    if not (isinstance(body, dict) and type(body.get("error")) is int and isinstance(body.get("message"), str)):
        return None
    from ..models import Error

    return Error.from_dict(body)
