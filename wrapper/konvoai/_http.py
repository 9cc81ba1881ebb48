"""The sending: httpx clients that carry the key, and one place each, sync and async, where a request goes out."""

import functools
import os
import random
import ssl
import time
from collections.abc import Generator
from typing import Any

import httpx
from httpx import USE_CLIENT_DEFAULT

from ._outcome import answer
from ._retry import Outcome, delay_before_retry
from ._settings import KEY_HEADER, Secret, Settings
from ._version import __version__
from .errors import KonvoError

LOST = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""What httpx and the system raise when a request or its answer is lost."""


class KeyAuth(httpx.Auth):
    """Puts the key on a request for as long as it is under way, and no longer."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[KEY_HEADER] = self._key
        try:
            yield request
        finally:
            request.headers[KEY_HEADER] = "**********"


def client_options(settings: Settings) -> dict[str, Any]:
    return {
        "auth": KeyAuth(settings.api_key),
        "base_url": settings.base_url,
        "timeout": settings.timeout,
        "headers": {"user-agent": f"konvoai/{__version__}"},
        "follow_redirects": False,
        "verify": tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
    }


@functools.cache
def tls_context(*authorities: str | None) -> ssl.SSLContext:
    """httpx's own, shared by all clients of the same authorities: reading these takes a tenth of a second."""
    return httpx.create_ssl_context()


class BorrowedClient(httpx.Client):
    """The user's client, sending to our address with our key and time limit; closing it leaves the user's open."""

    def __init__(self, lender: httpx.Client, options: dict[str, Any]) -> None:
        super().__init__(transport=httpx.BaseTransport(), **options)
        self._lender = lender

    @property
    def is_closed(self) -> bool:
        return super().is_closed or self._lender.is_closed

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        return borrowed_request(self._lender, super().build_request(method, url), self.timeout, kwargs)

    def send(self, request: httpx.Request, *, stream: bool = False, **kwargs: Any) -> httpx.Response:
        return self._lender.send(request, stream=stream, auth=self.auth, follow_redirects=False)


class AsyncBorrowedClient(httpx.AsyncClient):
    """The twin of `BorrowedClient`."""

    def __init__(self, lender: httpx.AsyncClient, options: dict[str, Any]) -> None:
        super().__init__(transport=httpx.AsyncBaseTransport(), **options)
        self._lender = lender

    @property
    def is_closed(self) -> bool:
        return super().is_closed or self._lender.is_closed

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        return borrowed_request(self._lender, super().build_request(method, url), self.timeout, kwargs)

    async def send(self, request: httpx.Request, *, stream: bool = False, **kwargs: Any) -> httpx.Response:
        return await self._lender.send(request, stream=stream, auth=self.auth, follow_redirects=False)


def borrowed_request(
    lender: httpx.Client | httpx.AsyncClient, own: httpx.Request, timeout: httpx.Timeout, kwargs: dict[str, Any]
) -> httpx.Request:
    if kwargs.get("timeout", USE_CLIENT_DEFAULT) is USE_CLIENT_DEFAULT:
        kwargs["timeout"] = timeout
    return lender.build_request(own.method, own.url, **kwargs)


class Sender:
    """Sends what `exchange` decides, over one httpx client."""

    def __init__(self, http: httpx.Client, max_retries: int) -> None:
        self.http = http
        self._max_retries = max_retries

    def send(self, kwargs: dict[str, Any]) -> httpx.Response:
        """The answer of status 200, its content read; raises `KonvoError` where there is none."""
        steps = exchange(self.http, kwargs, self._max_retries)
        step = next(steps)
        while True:
            try:
                step = steps.send(self._perform(step))
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

    def _perform(self, step: httpx.Request | float) -> Outcome | None:
        if isinstance(step, float):
            time.sleep(step)
            return None
        try:
            return self.http.send(step)
        except LOST as error:
            return outcome_of(error)


class AsyncSender:
    """The twin of `Sender`."""

    def __init__(self, http: httpx.AsyncClient, max_retries: int) -> None:
        self.http = http
        self._max_retries = max_retries

    async def send(self, kwargs: dict[str, Any]) -> httpx.Response:
        """The answer of status 200, its content read; raises `KonvoError` where there is none."""
        steps = exchange(self.http, kwargs, self._max_retries)
        step = next(steps)
        while True:
            try:
                step = steps.send(await self._perform(step))
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

    async def _perform(self, step: httpx.Request | float) -> Outcome | None:
        if isinstance(step, float):
            import asyncio  # a tenth of the time that konvoai takes to import, which sync users do not need

            await asyncio.sleep(step)
            return None
        try:
            return await self.http.send(step)
        except LOST as error:
            return outcome_of(error)


def exchange(
    http: httpx.Client | httpx.AsyncClient, kwargs: dict[str, Any], max_retries: int
) -> Generator[httpx.Request | float, Any, httpx.Response]:
    """The course of one call: yields a request to send, or seconds to wait, until an answer or an error is final."""
    if http.is_closed:
        raise KonvoError("this client is closed: make a new one, or do the work inside its `with` block")
    attempt = 0
    while True:
        request = build(http, **kwargs)
        outcome: Outcome = yield request
        delay = delay_before_retry(outcome, attempt, max_retries, luck=random.random())  # noqa: S311 - no secret
        attempt += 1
        if delay is None:
            return answer(outcome, request, attempt)
        yield delay


def build(
    http: httpx.Client | httpx.AsyncClient, method: str, url: str, params: dict[str, Any] | None = None, **rest: Any
) -> httpx.Request:
    """The request of a generated builder. The address is put together here, as httpx would parse it three times."""
    query = f"?{httpx.QueryParams(params)}" if params else ""
    return http.build_request(method, f"{str(http.base_url).rstrip('/')}{url}{query}", **rest)


def outcome_of(error: Exception) -> Outcome:
    """What an attempt came to: a hook of the user's that raises for a status still had an answer."""
    return error.response if isinstance(error, httpx.HTTPStatusError) else error
