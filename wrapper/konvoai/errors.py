"""Every exception that konvoai raises for what a server or a network does.

KonvoError
├── APIConnectionError
│   └── APITimeoutError
├── APIStatusError
│   ├── BadRequestError (400)
│   ├── AuthenticationError (401)
│   ├── PermissionDeniedError (403)
│   ├── NotFoundError (404)
│   ├── RateLimitError (429)
│   └── InternalServerError (500 and above)
├── ResponseValidationError
├── PaginationError
│   └── IncompleteError
└── ConfigurationError (also a ValueError)
"""

from __future__ import annotations

import copyreg
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from .models import Error

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ContractDriftWarning",
    "IncompleteError",
    "InternalServerError",
    "KonvoError",
    "NotFoundError",
    "PaginationError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseValidationError",
]


def __dir__() -> list[str]:
    return __all__


class Restorable(Exception):
    """Is pickled and copied as it is: Python would call its class with `args`, where most take other arguments."""

    def __reduce__(self) -> tuple[Any, ...]:
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class KonvoError(Restorable):
    """The base class of all errors of konvoai.

    Attributes:
        page: The page that was requested when a list or a scan failed, as the server numbers pages; None is the first.
        window: The lower and upper time bounds of that request, aware datetimes or None.
        records_yielded: The number of records yielded before the error; None outside of a list or a scan.
    """

    page: int | None = None
    window: tuple[datetime | None, datetime | None] = (None, None)
    records_yielded: int | None = None

    def add_context(
        self, page: int | None, minimum: datetime | None, maximum: datetime | None, records_yielded: int
    ) -> None:
        """Adds to the message what was being read; not the times, as no message shows what may be personal."""
        self.page, self.window, self.records_yielded = page, (minimum, maximum), records_yielded
        where = "the first page" if page is None else f"page {page}"
        within = "" if minimum is None else " of the time window in `window`"
        self.args = (f"{self}; at {where}{within}, {records_yielded} records yielded",)


class APIConnectionError(KonvoError):
    """The request or its response was lost; the httpx error is the `__cause__`."""


class APITimeoutError(APIConnectionError):
    """No response arrived within the client's `timeout`."""


class APIStatusError(KonvoError):
    """The server responded with a status other than 200.

    Attributes:
        status_code: The HTTP status, 520 to 529 included.
        body: The API document's `Error` (`.error` is its number, `.message` its text), or None where the response
            has another body.
        response: The `httpx.Response`, its content read.
        retry_after: Seconds to wait before the next request, from `Retry-After`; None without a valid wait above 0.
    """

    def __init__(
        self, message: str, *, response: httpx.Response, body: Error | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status_code = response.status_code
        self.body = body
        self.response = response
        self.retry_after = retry_after


class BadRequestError(APIStatusError):
    """400: the server rejects a parameter."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing or unknown."""


class PermissionDeniedError(APIStatusError):
    """403: the API key lacks the permission."""


class NotFoundError(APIStatusError):
    """404: the URL does not exist."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed."""


class ResponseValidationError(KonvoError):
    """A response of status 200 that is not what the API document says.

    Attributes:
        status_code: The HTTP status.
        url: The requested URL, without its query.
        json_path: The JSON path of the faulty value, such as `result[3].created_at`; None for the whole body.
    """

    def __init__(self, reason: str, *, response: httpx.Response, json_path: str | None = None) -> None:
        self.status_code = response.status_code
        self.url = bare_url(response.url)
        self.json_path = json_path
        where = f" at {json_path}" if json_path else ""
        super().__init__(f"{self.status_code} from {self.url}{where}: {reason}")


class PaginationError(KonvoError):
    """The server repeats itself while it says that there is more."""


class IncompleteError(PaginationError):
    """The server's `count` says that there are more records than it gives.

    Attributes:
        expected: How many records there are by `count`.
        received: How many of them arrived.
    """

    def __init__(self, message: str, expected: int = 0, received: int = 0) -> None:
        super().__init__(message)
        self.expected = expected
        self.received = received


class ConfigurationError(KonvoError, ValueError):
    """An argument or an environment variable that cannot be used as a setting."""


class ContractDriftWarning(Restorable, UserWarning):
    """A response departs from the API document; warned once per field and kind.

    Attributes:
        field: The schema and its property, such as `AISession.channel`.
        kind: `"unknown field"`, `"unknown value"`, `"wrong type"` or `"missing field"`.
    """

    def __init__(self, field: str, kind: str) -> None:
        super().__init__(f"the server's responses depart from the API document: {kind} at {field}")
        self.field = field
        self.kind = kind


def bare_url(url: httpx.URL) -> str:
    """Returns the URL without its query, which may hold what no log should show."""
    return str(url.copy_with(query=None, fragment=None))
