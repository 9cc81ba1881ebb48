"""Everything that konvoai raises for what a server or a network does.

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

from datetime import datetime
from typing import TYPE_CHECKING

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


class KonvoError(Exception):
    """The root of all errors of konvoai.

    Attributes:
        page: Of an error while a list or a scan was read: the page that was asked, as the server numbers pages; None is
            the first.
        window: The times between which records were asked for, aware datetimes or None.
        records_yielded: How many records had been yielded; None where nothing was being read.
    """

    page: int | None = None
    window: tuple[datetime | None, datetime | None] = (None, None)
    records_yielded: int | None = None

    def add_context(
        self, page: int | None, minimum: datetime | None, maximum: datetime | None, records_yielded: int
    ) -> None:
        """Adds to the message what was being read; not the times, as no message shows what may be personal."""
        self.page, self.window, self.records_yielded = page, (minimum, maximum), records_yielded
        place = "the first page" if page is None else f"page {page}"
        within = "" if minimum is None else " of the window of time in `window`"
        self.args = (f"{self}; at {place}{within}, {records_yielded} records yielded",)


class APIConnectionError(KonvoError):
    """The request or its answer was lost on the way; the httpx error is its `__cause__`."""


class APITimeoutError(APIConnectionError):
    """No answer within the client's `timeout`."""


class APIStatusError(KonvoError):
    """The server answered with a status other than 200.

    Attributes:
        status_code: The HTTP status, 520 to 529 included.
        body: The answer as the document's `Error` (`.error` its number, `.message` its words), or None where the
            answer is something else.
        response: The `httpx.Response`, its content read.
        retry_after: Seconds that the server asks to wait before the next request, or None.
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
    """400: the server does not accept a parameter."""


class AuthenticationError(APIStatusError):
    """401: the key is missing or not known."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is nothing at this address."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed."""


class ResponseValidationError(KonvoError):
    """A 200 that is not what the document says.

    Attributes:
        status_code: The HTTP status.
        url: The address asked, without its query.
        place: Where in the answer, as in `result[3].created_at`, or None where it is the answer as a whole.
    """

    def __init__(self, reason: str, *, response: httpx.Response, place: str | None = None) -> None:
        self.status_code = response.status_code
        self.url = bare_url(response.url)
        self.place = place
        where = f" at {place}" if place else ""
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
    """A setting, as an argument or in the environment, that cannot be used."""


class ContractDriftWarning(UserWarning):
    """An answer departs from the API document: told once for each place and kind.

    Attributes:
        place: The schema and its property, as in `AISession.channel`.
        kind: `"unknown field"`, `"unknown value"`, `"wrong type"` or `"missing field"`.
    """

    def __init__(self, place: str, kind: str) -> None:
        super().__init__(f"the server's answers depart from the API document: {kind} at {place}")
        self.place = place
        self.kind = kind


def bare_url(url: httpx.URL) -> str:
    """The address without its query, which may hold what no log should show."""
    return str(url.copy_with(query=None, fragment=None))
