"""From an outcome to the response, or to the error that says what happened and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from .._settings import BASE_URL_VARIABLE
from ..errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    KonvoError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    bare_url,
)
from .deadline import DeadlineExceeded
from .headers import retry_after
from .retry import MAX_RETRY_AFTER, Outcome

if TYPE_CHECKING:
    from ..models import Error

ERRORS = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
}
HINTS = {
    400: "correct the parameters",
    401: "check the key in {key_source}",
    403: "use a key with this permission in {key_source}",
    404: f"check the URL in {BASE_URL_VARIABLE} or base_url=",
    429: "send fewer requests, or lower the concurrency",
}


def require_success(outcome: Outcome, request: httpx.Request, attempts: int, key_source: str) -> httpx.Response:
    """Return the response of status 200; raise the error of any other outcome."""
    if not isinstance(outcome, httpx.Response):
        raise connection_error(outcome, request, attempts) from outcome
    if outcome.status_code != 200:
        raise status_error(outcome, request, attempts, key_source)
    return outcome


def status_error(response: httpx.Response, request: httpx.Request, attempts: int, key_source: str) -> APIStatusError:
    status = response.status_code
    body = error_body(response)
    wait = retry_after(response.headers)
    kind = ERRORS.get(status) or (InternalServerError if status >= 500 else APIStatusError)
    parts = [f"{status} {status_phrase(status)}".strip() + f" from {request_label(request, attempts)}"]
    if body is not None:
        parts.append(body.message)
    if wait is not None and wait > MAX_RETRY_AFTER:
        parts.append(f"the server asks to wait {wait:.0f} s")
    if response.is_redirect:
        parts.append(f"redirects are not followed: set the final URL in {BASE_URL_VARIABLE} or base_url=")
    elif hint := HINTS.get(status) or ("try again later" if status >= 500 else None):
        parts.append(hint.format(key_source=key_source))
    request.url = response.request.url = httpx.URL(bare_url(request.url))  # an error shows no query
    return kind("; ".join(parts), response=response, body=body, retry_after=wait)


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


def status_phrase(status: int) -> str:
    """Return the standard phrase of a status; empty for unregistered ones such as 520 to 529."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def error_body(response: httpx.Response) -> Error | None:
    """Return the body as the API document's `Error`, or None where it is something else."""
    try:
        body = response.json()
    except (ValueError, RecursionError, httpx.StreamError):
        return None
    fits = isinstance(body, dict) and type(body.get("error")) is int and isinstance(body.get("message"), str)
    if not fits:
        return None
    from ..models import Error

    return Error.from_dict(body)
