"""The httpx clients that carry the key: our own, or one that forwards to the user's."""

from __future__ import annotations

import functools
import logging
import os
import ssl
from collections.abc import Generator, Iterator
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.request import getproxies

import httpx

from .._settings import KEY_HEADER, Secret, Settings, is_loopback, is_reachable
from .._version import __version__
from ..errors import ConfigurationError, KonvoError, bare_url

HttpT = TypeVar("HttpT", bound=httpx.Client | httpx.AsyncClient)
CLOSED = "this client is closed: make a new one, or do the work inside its `with` block"
HEADERS = {"user-agent": f"konvoai/{__version__}", "accept-encoding": "gzip, deflate"}
ATTEMPT = "konvoai.attempt"
"""The extension of a request that identifies it in the pool, also behind the user's client."""
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


def open_client(kind: type[HttpT], user_client: HttpT | None, settings: Settings) -> HttpT:
    """Returns a client of our own, or one that sends through the user's and leaves that open."""
    if user_client is None:
        return kind(**own_options(settings), **client_options(settings))
    if not isinstance(user_client, kind):
        raise ConfigurationError(
            "http_client is of the wrong kind: Konvo takes an httpx.Client, AsyncKonvo takes an httpx.AsyncClient"
        )
    return kind(transport=ForwardingTransport(user_client, settings), **client_options(settings))


def client_options(settings: Settings) -> dict[str, Any]:
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # httpx cannot send back one that is not ASCII
    return {
        "cookies": no_cookies,
        "base_url": settings.base_url,
        "timeout": settings.timeout,
        "headers": HEADERS,
        "follow_redirects": False,
    }


def own_options(settings: Settings) -> dict[str, Any]:
    """Returns the options that the user's client has by itself; raises `ConfigurationError` for a variable of httpx."""
    url = httpx.URL(settings.base_url)
    use_proxies = not is_loopback(url.host)  # a proxy would see the key of an http:// URL
    if url.scheme == "https" or use_proxies:
        context = tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: no request of such a client uses TLS
    if use_proxies:
        validate_proxies(context)
    return {"auth": KeyAuth(settings.api_key), "verify": context, "trust_env": use_proxies}


@functools.cache
def tls_context(file: str | None, directory: str | None) -> ssl.SSLContext:
    """Returns httpx's TLS context, shared by all clients: reading the authorities takes a tenth of a second.

    Args:
        file: SSL_CERT_FILE.
        directory: SSL_CERT_DIR.
    """
    variable = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
    try:
        if directory and not file:
            os.listdir(directory)  # OpenSSL takes a missing directory for an empty one
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "invalid path"
        if getattr(error, "filename", None) == os.environ.get("SSLKEYLOGFILE", ""):  # Python opens that as well
            variable = "SSLKEYLOGFILE"
    raise ConfigurationError(f"{variable} of the environment cannot be used: correct or unset it ({reason})")


def validate_proxies(context: ssl.SSLContext) -> None:
    """Raises a `ConfigurationError` that names the variable whose value httpx cannot use."""
    proxies = getproxies()
    if "*" in proxies.get("no", "").replace(" ", "").split(","):
        return
    variable = hint = ""
    try:
        for scheme, url in ((scheme, proxies[scheme]) for scheme in ("http", "https", "all") if proxies.get(scheme)):
            variable = f"{scheme.upper()}_PROXY"
            proxy = httpx.Proxy(url if "://" in url else f"http://{url}")
            httpx.HTTPTransport(proxy=proxy, verify=context)
            if not is_reachable(proxy.url):
                raise httpx.InvalidURL("no host, or an invalid port")
        variable = "NO_PROXY"
        httpx.Client(verify=context).close()
    except ImportError:
        hint = '; for SOCKS, run pip install "httpx[socks]"'
    except (ValueError, httpx.InvalidURL):
        pass
    else:
        return
    raise ConfigurationError(f"{variable} of the environment cannot be used: correct or unset it{hint}")


class ForwardingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends through the user's client, with its headers, hooks and proxies, and with our key and timeout."""

    def __init__(self, user_client: httpx.Client | httpx.AsyncClient, settings: Settings) -> None:
        self.user_client: Any = user_client
        self._auth = KeyAuth(settings.api_key)

    def handle_request(self, request: httpx.Request) -> Any:
        """Returns the response, or an awaitable of it, as the user's client does."""
        http = self.user_client
        if http.is_closed:
            raise KonvoError(CLOSED)
        # Built by the user's client: its defaults win over those of ours.
        body = {name: value for name, value in request.headers.items() if name.startswith("content-")}
        content, extensions = request.content, request.extensions
        forwarded = http.build_request(
            request.method, request.url, headers=body, content=content, extensions=extensions
        )
        return http.send(forwarded, stream=True, auth=self._auth, follow_redirects=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.handle_request(request)  # type: ignore[no-any-return]


def connection_pools(http: httpx.AsyncClient) -> Iterator[Any]:
    """Yields the httpcore pools that a client sends through; a transport of another library has none."""
    import httpcore

    for transport in (http._transport, *http._mounts.values()):
        if isinstance(transport, ForwardingTransport):
            yield from connection_pools(transport.user_client)
        elif isinstance(pool := getattr(transport, "_pool", None), httpcore.AsyncConnectionPool):
            yield pool


async def release_connections(http: httpx.AsyncClient, attempt: object) -> None:
    """Closes what a cancelled attempt left in its pool: httpcore counts it as in use for ever (encode/httpcore#1093).

    Args:
        attempt: The extension ATTEMPT of its request.
    """
    for pool in connection_pools(http):
        pool._requests = [sent for sent in pool._requests if sent.request.extensions.get(ATTEMPT) is not attempt]
        used = [sent.connection for sent in pool._requests]
        leaked = [c for c in pool._connections if not (c in used or c.is_idle() or c.is_closed())]
        pool._connections = [c for c in pool._connections if c not in leaked]
        await pool._close_connections(leaked + pool._assign_requests_to_connections())
