"""`Konvo` and `AsyncKonvo`: settings, transport and resources put together.

The generated package, and attrs with it, take half as long to import as httpx: they are imported with the first client.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

import httpx

from ._decoding.drift import Drift
from ._decoding.parse import DecodeError
from ._generated.attributes import RESOURCES, AsyncLists, Lists
from ._http.clients import HttpT
from ._http.headers import http_date
from ._http.log import LOG_VARIABLE, configure_logging
from ._http.transport import AsyncTransport, Transport
from ._pagination.paginator import AsyncPaginator, AsyncScan, Paginator, Scan
from ._pagination.protocol import PageResponse
from ._settings import KEY_HEADER, OnDrift, Settings, as_secret, load_settings
from .errors import ResponseValidationError

if TYPE_CHECKING:
    from konvo_api_client import AuthenticatedClient

    from ._decoding.parse import DecodedPage
    from ._query.list_query import ListQuery


class ResourceClass:
    """On a client class, this attribute is the resource class of that name, which `create_autospec` needs.

    An instance sets its resource itself. The class is imported when it is read, since the models take half as long to
    import as httpx.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, client: object, owner: type) -> Any:
        from ._generated import lists

        return getattr(lists, self._name)


class BaseClient(Generic[HttpT]):
    """What both clients share: their arguments, their resources, and what these are made of."""

    _transport_type: ClassVar[type[Any]]
    _results: ClassVar[tuple[Callable[..., Any], ...]]
    """What a list and a scan return."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = 60.0,
        max_retries: int = 4,
        http_client: HttpT | None = None,
        on_drift: OnDrift = "warn",
        allow_http: bool = False,
    ) -> None:
        from ._generated import lists

        api_key = as_secret(api_key)
        settings = load_settings(api_key, base_url, timeout, max_retries, on_drift, allow_http, os.environ)
        configure_logging(os.environ.get(LOG_VARIABLE, ""))
        self._drift = Drift(settings.on_drift)
        self._transport = self._transport_type(http_client, settings)
        self._api = generated_client(settings)
        results = [partial(result, self._fetch) for result in self._results]
        for name, cls in RESOURCES.items():
            setattr(self, name, getattr(lists, cls)(*results))

    _fetch: Callable[..., Any]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._api._base_url}>"


for _name, _cls in RESOURCES.items():
    setattr(BaseClient, _name, ResourceClass(_cls))


class Konvo(BaseClient[httpx.Client], Lists):
    """The client of the Konvo API.

    Args:
        api_key: The API key; default: KONVO_API_KEY, or the content of the file that KONVO_API_KEY_FILE names.
        base_url: The URL of the server; default: KONVO_BASE_URL, or else the server of the API document.
        timeout: Seconds for one request, of which connecting may take 5; or an `httpx.Timeout`.
        max_retries: How often a request is sent again after a lost connection or a status 408, 429 or 5xx.
        http_client: Your own `httpx.Client` (proxies, CA, event hooks); it is not closed with this client.
        on_drift: What to do where responses depart from the API document: `"warn"` once per field and kind
            (`ContractDriftWarning`), `"ignore"`, `"raise"` (`ResponseValidationError`), or a callable that takes the
            `ContractDriftWarning`.
        allow_http: Whether the key may be sent to an http:// URL of another machine.

    Attributes:
        ai_sessions: The AI conversations.

    Raises:
        ConfigurationError: The API key is missing, or a setting or a variable (proxies, certificates) is unusable.
    """

    _transport: Transport
    _transport_type = Transport
    _results = (Paginator, Scan)

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client over the same connections, key and timeout, for any generated function."""
        return self._api.set_httpx_client(self._transport.http)

    def _fetch(self, query: ListQuery, request: dict[str, Any], *stop: threading.Event) -> Any:
        """Returns the response; in a reading, which `stop` cancels, what decodes it in the thread that reads."""
        decode = partial(page_response, query.decode, self._transport.send(request, *stop), self._drift)
        return decode if stop else decode()

    def close(self) -> None:
        """Cancels the requests in flight and closes the connections; an `http_client` of your own stays open."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncKonvo(BaseClient[httpx.AsyncClient], AsyncLists):
    """The async client of the Konvo API: `Konvo` with an `httpx.AsyncClient`, `async with` and `aclose()`."""

    _transport: AsyncTransport
    _transport_type = AsyncTransport
    _results = (AsyncPaginator, AsyncScan)

    @property
    def api(self) -> AuthenticatedClient:
        """The generated client over the same connections, key and timeout, for any generated function."""
        return self._api.set_async_httpx_client(self._transport.http)

    async def _fetch(self, query: ListQuery, request: dict[str, Any]) -> Any:
        return page_response(query.decode, await self._transport.send(request), self._drift)

    async def aclose(self) -> None:
        """Cancels the requests in flight and closes the connections; an `http_client` of your own stays open."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


def source_digest(client: BaseClient[Any], salt: str) -> str:
    """Returns a salted HMAC-SHA256 of the client's API key and address: it distinguishes them and shows neither."""
    digest = hmac.new(salt.encode(), client._api.token.encode(), "sha256")
    digest.update(b" " + client._api._base_url.rstrip("/").encode())
    return digest.hexdigest()


def page_response(
    decode: Callable[[bytes, Drift], DecodedPage], response: httpx.Response, drift: Drift
) -> PageResponse[Any]:
    """Returns the records of a response of status 200; raises `ResponseValidationError` where it has none."""
    try:
        items, count = decode(response.content, drift)
    except DecodeError as error:
        raise ResponseValidationError(error.reason, response=response, json_path=error.json_path) from None
    return PageResponse(items, count, http_date(response.headers.get("date", "")))


def generated_client(settings: Settings) -> AuthenticatedClient:
    from konvo_api_client import AuthenticatedClient

    return AuthenticatedClient(
        base_url=settings.base_url,
        timeout=settings.timeout,
        token=settings.api_key,
        prefix="",
        auth_header_name=KEY_HEADER,
    )
