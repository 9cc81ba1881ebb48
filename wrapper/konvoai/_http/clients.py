"""The httpx clients that carry the key: our own, or one that forwards to the user's."""

from __future__ import annotations

import functools
import logging
import os
import ssl
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any

import httpx

from .._settings import KEY_HEADER, Secret, Settings
from .._version import __version__
from ..errors import ConfigurationError, KonvoError, bare_url

CLOSED = "this client is closed: make a new one, or do the work inside its `with` block"
HEADERS = {"user-agent": f"konvoai/{__version__}", "accept-encoding": "gzip, deflate"}
SENDING: ContextVar[bool] = ContextVar("SENDING", default=False)
"""Whether a request of konvoai is being sent in this context."""


class KeyAuth(httpx.Auth):
    """Adds the key to a request while it is sent (httpx's auth flow: https://www.python-httpx.org/advanced/authentication)."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[KEY_HEADER] = self._key
        SENDING.set(True)
        try:
            yield request
        finally:
            SENDING.set(False)
            request.headers[KEY_HEADER] = "**********"  # the request stays reachable from the response


class QueryFilter(logging.Filter):
    """Hides the query of our requests in httpx's log: it may hold what no log should show."""

    def filter(self, record: logging.LogRecord) -> bool:
        if SENDING.get() and isinstance(record.args, tuple):
            record.args = tuple(bare_url(arg) if isinstance(arg, httpx.URL) else arg for arg in record.args)
        return True


logging.getLogger("httpx").addFilter(QueryFilter())


def open_client(user_client: httpx.Client | None, settings: Settings) -> httpx.Client:
    """Return a client of our own, or one that sends through the user's and leaves that open."""
    if user_client is None:
        return httpx.Client(auth=KeyAuth(settings.api_key), verify=tls_context(), **client_options(settings))
    if not isinstance(user_client, httpx.Client):
        raise ConfigurationError("http_client must be an httpx.Client; AsyncKonvo takes an httpx.AsyncClient")
    return httpx.Client(transport=ForwardingTransport(user_client, settings), **client_options(settings))


def open_async_client(user_client: httpx.AsyncClient | None, settings: Settings) -> httpx.AsyncClient:
    """Return a client of our own, or one that sends through the user's and leaves that open."""
    if user_client is None:
        return httpx.AsyncClient(auth=KeyAuth(settings.api_key), verify=tls_context(), **client_options(settings))
    if not isinstance(user_client, httpx.AsyncClient):
        raise ConfigurationError("http_client must be an httpx.AsyncClient; Konvo takes an httpx.Client")
    return httpx.AsyncClient(transport=AsyncForwardingTransport(user_client, settings), **client_options(settings))


def client_options(settings: Settings) -> dict[str, Any]:
    return {
        "base_url": settings.base_url,
        "timeout": settings.timeout,
        "headers": HEADERS,
        "follow_redirects": False,
    }


def tls_context() -> ssl.SSLContext:
    return cached_tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.cache
def cached_tls_context(*authorities: str | None) -> ssl.SSLContext:
    """Return httpx's TLS context, shared by all clients: reading the authorities takes a tenth of a second."""
    return httpx.create_ssl_context()


class ForwardingTransport(httpx.BaseTransport):
    """Sends through the user's client, with its headers, hooks and proxies, and with our key and timeout."""

    def __init__(self, user_client: httpx.Client, settings: Settings) -> None:
        self._user_client = user_client
        self._auth = KeyAuth(settings.api_key)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        forwarded = forwarded_request(self._user_client, request)
        return self._user_client.send(forwarded, stream=True, auth=self._auth, follow_redirects=False)


class AsyncForwardingTransport(httpx.AsyncBaseTransport):
    """`ForwardingTransport` for an `httpx.AsyncClient`."""

    def __init__(self, user_client: httpx.AsyncClient, settings: Settings) -> None:
        self._user_client = user_client
        self._auth = KeyAuth(settings.api_key)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        forwarded = forwarded_request(self._user_client, request)
        return await self._user_client.send(forwarded, stream=True, auth=self._auth, follow_redirects=False)


def forwarded_request(user_client: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    """Return the request as the user's client builds it: its headers win over the defaults of ours."""
    if user_client.is_closed:
        raise KonvoError(CLOSED)
    body = {name: value for name, value in request.headers.items() if name.startswith("content-")}
    return user_client.build_request(
        request.method, request.url, headers=body, content=request.content, extensions=request.extensions
    )
