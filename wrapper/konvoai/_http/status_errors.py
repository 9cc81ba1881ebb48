"""What an outcome means to the caller: the answer, or the one error that says what was wrong and what to do."""

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
    403: "use a key that may do this, in {key_source}",
    404: f"check the address in {BASE_URL_VARIABLE} or base_url=",
    429: "ask less often, or with a lower concurrency",
}


def require_success(outcome: Outcome, request: httpx.Request, attempts: int, key_source: str) -> httpx.Response:
    """The response where it is a 200; raises the error of `outcome` otherwise."""
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
        parts.append(f"redirects are not followed: set the final address in {BASE_URL_VARIABLE} or base_url=")
    elif advice := HINTS.get(status) or ("try again later" if status >= 500 else None):
        parts.append(advice.format(key_source=key_source))
    return kind("; ".join(parts), response=response, body=body, retry_after=wait)


def connection_error(error: Exception, request: httpx.Request, attempts: int) -> KonvoError:
    if isinstance(error, DeadlineExceeded):
        return APITimeoutError(
            f"{error}, for {request_label(request, attempts)}; ask for less at once, with a lower limit="
        )
    if isinstance(error, httpx.TimeoutException):
        limit = "raise timeout= or try again later"
        return APITimeoutError(
            f"no answer in time ({type(error).__name__}) to {request_label(request, attempts)}; {limit}"
        )
    status_phrase = f"{type(error).__name__}: {error}".rstrip(": ")
    return APIConnectionError(
        f"connection lost for {request_label(request, attempts)}; {status_phrase}; check the network"
    )


def request_label(request: httpx.Request, attempts: int) -> str:
    return f"{request.method} {bare_url(request.url)}" + (f" ({attempts} attempts)" if attempts > 1 else "")


def status_phrase(status: int) -> str:
    """The standard words for a status; none for those that no standard knows, as 520 to 529."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def error_body(response: httpx.Response) -> Error | None:
    """The answer as the document's `Error`, or None where it is something else."""
    try:
        body = response.json()
    except (ValueError, RecursionError, httpx.StreamError):
        return None
    fits = isinstance(body, dict) and type(body.get("error")) is int and isinstance(body.get("message"), str)
    if not fits:
        return None
    from ..models import Error

    return Error.from_dict(body)
