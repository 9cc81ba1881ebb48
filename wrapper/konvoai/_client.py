"""`Konvo` and `AsyncKonvo`: settings, connections and resources put together.

The generated package, and attrs with it, take half as long to import as httpx: they wait for the first client.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from ._decoding.drift import Drift
from ._decoding.parse import DecodeError
from ._http.clients import open_async_client, open_client
from ._http.headers import http_date
from ._http.log import LOG_VARIABLE, configure_logging
from ._http.transport import AsyncTransport, Transport
from ._pagination.paginator import AsyncPaginator, AsyncScan, Paginator, Scan
from ._pagination.protocol import PageResponse
from ._settings import KEY_HEADER, OnDrift, Settings, as_secret, load_settings
from .errors import ResponseValidationError

if TYPE_CHECKING:
    from konvo_api_client import AuthenticatedClient

    from ._decoding.page import DecodedPage
    from ._resources import AISessions, ListQuery
    from .models import AISession


class Konvo:
    """The client of the Konvo API.

    Args:
        api_key: The key; without it that of the environment variable KONVO_API_KEY.
        base_url: The server's address; without it that of KONVO_BASE_URL, or else the API document's.
        timeout: Seconds for one request, of which connecting may take 5; or an `httpx.Timeout`.
        max_retries: How often one request is sent again after a lost connection or a status 408, 429 or 5xx.
        http_client: Your own `httpx.Client` (proxies, CA, event hooks), which is not closed with this client.
        on_drift: What to do where answers depart from the API document: `"warn"` once for each place and kind
            (`ContractDriftWarning`), `"ignore"`, `"raise"` (`ResponseValidationError`), or a callable that takes the
            `ContractDriftWarning`.
        allow_http: Whether the key may go to a plain http:// address that is not this machine.

    Attributes:
        ai_sessions: The AI conversations.
        api: The generated client over the same connections, key and timeout, for any generated function.

    Raises:
        KonvoError: There is no key, or a setting cannot be used.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = 60.0,
        max_retries: int = 4,
        http_client: httpx.Client | None = None,
        on_drift: OnDrift = "warn",
        allow_http: bool = False,
    ) -> None:
        from ._resources import AISessions

        api_key = as_secret(api_key)
        settings = load_settings(api_key, base_url, timeout, max_retries, on_drift, allow_http, os.environ)
        configure_logging(os.environ.get(LOG_VARIABLE, ""))
        self._drift = Drift(settings.on_drift)
        self._transport = Transport(partial(open_client, http_client, settings), settings)
        self.api = generated_client(settings).set_httpx_client(self._transport.http)
        clients.add(self)
        readers = partial(Paginator, self._fetch), partial(Scan, self._fetch)
        self.ai_sessions: AISessions[Paginator[AISession], Scan[AISession]] = AISessions(*readers)

    def _fetch(
        self, query: ListQuery, request: dict[str, Any], stop: threading.Event | None = None
    ) -> PageResponse[Any]:
        return page_response(query.decode, self._transport.send(request, stop), self._drift)

    def _renew(self) -> None:
        self._transport.renew()
        self.api.set_httpx_client(self._transport.http)

    def close(self) -> None:
        """Ends what is under way, and closes the connections; an `http_client` of your own stays open."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Konvo {self._transport.http.base_url}>"


class AsyncKonvo:
    """The async client of the Konvo API: the twin of `Konvo`, with an `httpx.AsyncClient` and `aclose()`."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = 60.0,
        max_retries: int = 4,
        http_client: httpx.AsyncClient | None = None,
        on_drift: OnDrift = "warn",
        allow_http: bool = False,
    ) -> None:
        from ._resources import AISessions

        api_key = as_secret(api_key)
        settings = load_settings(api_key, base_url, timeout, max_retries, on_drift, allow_http, os.environ)
        configure_logging(os.environ.get(LOG_VARIABLE, ""))
        self._drift = Drift(settings.on_drift)
        self._transport = AsyncTransport(partial(open_async_client, http_client, settings), settings)
        self.api = generated_client(settings).set_async_httpx_client(self._transport.http)
        clients.add(self)
        readers = partial(AsyncPaginator, self._fetch), partial(AsyncScan, self._fetch)
        self.ai_sessions: AISessions[AsyncPaginator[AISession], AsyncScan[AISession]] = AISessions(*readers)

    async def _fetch(self, query: ListQuery, request: dict[str, Any]) -> PageResponse[Any]:
        return page_response(query.decode, await self._transport.send(request), self._drift)

    def _renew(self) -> None:
        self._transport.renew()
        self.api.set_async_httpx_client(self._transport.http)

    async def aclose(self) -> None:
        """Ends what is under way, and closes the connections; an `http_client` of your own stays open."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncKonvo {self._transport.http.base_url}>"


def page_response(
    decode: Callable[[bytes, Drift], DecodedPage], response: httpx.Response, drift: Drift
) -> PageResponse[Any]:
    """The records of a 200; raises `ResponseValidationError` where there are none."""
    try:
        items, count = decode(response.content, drift)
    except DecodeError as error:
        raise ResponseValidationError(error.reason, response=response, json_path=error.json_path) from None
    return PageResponse(items, count, http_date(response.headers.get("date", "")))


clients: weakref.WeakSet[Konvo | AsyncKonvo] = weakref.WeakSet()
inherited: list[httpx.Client | httpx.AsyncClient] = []
"""The connections of a fork's parent, which the child neither uses nor closes."""


def renew_all() -> None:
    for client in list(clients):
        inherited.append(client._transport.http)
        client._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=renew_all)


def generated_client(settings: Settings) -> AuthenticatedClient:
    from konvo_api_client import AuthenticatedClient

    return AuthenticatedClient(
        base_url=settings.base_url,
        timeout=settings.timeout,
        token=settings.api_key,
        prefix="",
        auth_header_name=KEY_HEADER,
    )
