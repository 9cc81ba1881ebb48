"""The httpx clients that carry the key: our own, or the user's."""

from __future__ import annotations

import functools
import os
import ssl
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import httpx
from httpx import USE_CLIENT_DEFAULT

from .._settings import KEY_HEADER, Secret, Settings
from .._version import __version__
from ..errors import ConfigurationError

if TYPE_CHECKING:
    pass


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
        "headers": {"user-agent": f"konvoai/{__version__}", "accept-encoding": "gzip, deflate"},
        "follow_redirects": False,
        "verify": tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
    }


@functools.cache
def tls_context(*authorities: str | None) -> ssl.SSLContext:
    """httpx's own, shared by all clients of the same authorities: reading these takes a tenth of a second."""
    return httpx.create_ssl_context()


class QuietURL(httpx.URL):
    """An address that does not show its query, which may hold phone numbers and dates, where it is logged."""

    def __str__(self) -> str:
        return super().__str__().partition("?")[0]

    def __repr__(self) -> str:
        return f"URL('{self}')"


def quiet(request: httpx.Request) -> httpx.Request:
    request.url = QuietURL(request.url)
    return request


class OwnClient(httpx.Client):
    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        return quiet(super().build_request(*args, **kwargs))


class AsyncOwnClient(httpx.AsyncClient):
    """The twin of `OwnClient`."""

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        return quiet(super().build_request(*args, **kwargs))


class BorrowedClient(OwnClient):
    """The user's client, sending to our address with our key and time limit; closing it leaves the user's open."""

    def __init__(self, user_client: httpx.Client, options: dict[str, Any]) -> None:
        super().__init__(transport=httpx.BaseTransport(), **options)
        self._user_client = user_client

    @property
    def is_closed(self) -> bool:
        return super().is_closed or self._user_client.is_closed

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        return borrowed_request(self._user_client, httpx.Client.build_request(self, method, url), self.timeout, kwargs)

    def send(self, request: httpx.Request, *, stream: bool = False, **kwargs: Any) -> httpx.Response:
        return self._user_client.send(request, stream=stream, auth=self.auth, follow_redirects=False)


class AsyncBorrowedClient(AsyncOwnClient):
    """The twin of `BorrowedClient`."""

    def __init__(self, user_client: httpx.AsyncClient, options: dict[str, Any]) -> None:
        super().__init__(transport=httpx.AsyncBaseTransport(), **options)
        self._user_client = user_client

    @property
    def is_closed(self) -> bool:
        return super().is_closed or self._user_client.is_closed

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        return borrowed_request(
            self._user_client, httpx.AsyncClient.build_request(self, method, url), self.timeout, kwargs
        )

    async def send(self, request: httpx.Request, *, stream: bool = False, **kwargs: Any) -> httpx.Response:
        return await self._user_client.send(request, stream=stream, auth=self.auth, follow_redirects=False)


def borrowed_request(
    user_client: httpx.Client | httpx.AsyncClient, own: httpx.Request, timeout: httpx.Timeout, kwargs: dict[str, Any]
) -> httpx.Request:
    if kwargs.get("timeout", USE_CLIENT_DEFAULT) is USE_CLIENT_DEFAULT:
        kwargs["timeout"] = timeout
    return quiet(user_client.build_request(own.method, own.url, **kwargs))


def open_client(user_client: httpx.Client | None, settings: Settings) -> httpx.Client:
    if user_client is None:
        return OwnClient(**client_options(settings))
    if not isinstance(user_client, httpx.Client):
        raise ConfigurationError("http_client must be an httpx.Client; AsyncKonvo takes an httpx.AsyncClient")
    return BorrowedClient(user_client, client_options(settings))


def open_async_client(user_client: httpx.AsyncClient | None, settings: Settings) -> httpx.AsyncClient:
    if user_client is None:
        return AsyncOwnClient(**client_options(settings))
    if not isinstance(user_client, httpx.AsyncClient):
        raise ConfigurationError("http_client must be an httpx.AsyncClient; Konvo takes an httpx.Client")
    return AsyncBorrowedClient(user_client, client_options(settings))
