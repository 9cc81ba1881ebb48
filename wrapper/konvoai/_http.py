"""The sending: httpx clients that carry the key, and one place each, sync and async, where a request goes out."""

from __future__ import annotations

import functools
import math
import os
import random
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
from httpx import USE_CLIENT_DEFAULT

from . import _watch
from ._gate import Gate
from ._log import logger
from ._outcome import answer
from ._retry import Outcome, delay_before_retry, retry_after
from ._settings import KEY_HEADER, Secret, Settings
from ._version import __version__
from ._watch import TOO_LONG, WATCH, Body, TookTooLong, Watch
from .errors import KonvoError

if TYPE_CHECKING:
    import asyncio

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

    def __init__(self, lender: httpx.Client, options: dict[str, Any]) -> None:
        super().__init__(transport=httpx.BaseTransport(), **options)
        self._lender = lender

    @property
    def is_closed(self) -> bool:
        return super().is_closed or self._lender.is_closed

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        return borrowed_request(self._lender, httpx.Client.build_request(self, method, url), self.timeout, kwargs)

    def send(self, request: httpx.Request, *, stream: bool = False, **kwargs: Any) -> httpx.Response:
        return self._lender.send(request, stream=stream, auth=self.auth, follow_redirects=False)


class AsyncBorrowedClient(AsyncOwnClient):
    """The twin of `BorrowedClient`."""

    def __init__(self, lender: httpx.AsyncClient, options: dict[str, Any]) -> None:
        super().__init__(transport=httpx.AsyncBaseTransport(), **options)
        self._lender = lender

    @property
    def is_closed(self) -> bool:
        return super().is_closed or self._lender.is_closed

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        return borrowed_request(self._lender, httpx.AsyncClient.build_request(self, method, url), self.timeout, kwargs)

    async def send(self, request: httpx.Request, *, stream: bool = False, **kwargs: Any) -> httpx.Response:
        return await self._lender.send(request, stream=stream, auth=self.auth, follow_redirects=False)


def borrowed_request(
    lender: httpx.Client | httpx.AsyncClient, own: httpx.Request, timeout: httpx.Timeout, kwargs: dict[str, Any]
) -> httpx.Request:
    if kwargs.get("timeout", USE_CLIENT_DEFAULT) is USE_CLIENT_DEFAULT:
        kwargs["timeout"] = timeout
    return quiet(lender.build_request(own.method, own.url, **kwargs))


Step = httpx.Request | float
"""Of an `exchange`: a request to send, or the seconds until it is worth going on, unless the gate changes before."""


class Sender:
    """Sends what `exchange` decides, over one httpx client."""

    def __init__(self, open_client: Callable[[], httpx.Client], settings: Settings) -> None:
        self._open = open_client
        self._settings = settings
        self.renew()

    def renew(self) -> None:
        """New connections: at the beginning, and in a child of a fork, which must not share its parent's."""
        from ._connections import watch_connections

        self.http = watch_connections(self._open())
        self._gate = Gate()
        self._changed = threading.Condition()
        self._closing = threading.Event()

    def send(self, kwargs: dict[str, Any], stop: threading.Event | None = None) -> httpx.Response:
        """The answer of status 200, its content read; raises `KonvoError` where there is none.

        Args:
            stop: Once it is set, the request ends with `Stopped`.
        """
        stops = (self._closing,) if stop is None else (self._closing, stop)
        steps = exchange(self.http, kwargs, self._settings, self._gate)
        try:
            step = next(steps)
            while True:
                step = steps.send(self._perform(step, stops))
                self._tell()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()
            self._tell()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _perform(self, step: Step, stops: tuple[threading.Event, ...]) -> Outcome | None:
        watch = Watch(_watch.LONGEST_ATTEMPT, *stops)
        if isinstance(step, float):
            watch.left()
            with self._changed:
                self._changed.wait(min(step, _watch.SLICE))
            return None
        held = WATCH.set(watch)
        try:
            return self._read(step, watch)
        except LOST as error:
            return outcome_of(error)
        finally:
            WATCH.reset(held)

    def _read(self, request: httpx.Request, watch: Watch) -> httpx.Response:
        response = self.http.send(request, stream=True)
        if response.is_stream_consumed:  # by a hook of the user's
            return response
        try:
            body = Body(response)
            for chunk in response.iter_raw() if body.raw else response.iter_bytes():
                body.feed(chunk)
                watch.left()
                if body.full:
                    break
            return body.deliver()
        finally:
            response.close()

    def close(self) -> None:
        """Ends what is under way, then closes the connections."""
        self._closing.set()
        self._tell()
        with self._changed:
            self._changed.wait_for(lambda: not self._gate.in_flight, timeout=10 * _watch.SLICE)
        self.http.close()


class AsyncSender:
    """The twin of `Sender`."""

    def __init__(self, open_client: Callable[[], httpx.AsyncClient], settings: Settings) -> None:
        self._open = open_client
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self.renew()

    def renew(self) -> None:
        """New connections: at the beginning, and in a child of a fork, which must not share its parent's."""
        self.http = self._open()
        self._gate = Gate()
        self._changed: asyncio.Event | None = None

    async def send(self, kwargs: dict[str, Any]) -> httpx.Response:
        """The answer of status 200, its content read; raises `KonvoError` where there is none."""
        import asyncio  # a tenth of the time that konvoai takes to import, which sync users do not need

        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise KonvoError(
                "this AsyncKonvo belongs to another event loop, where its connections are: make one in each, inside "
                "the function that is given to asyncio.run()"
            )
        self._loop = loop
        steps = exchange(self.http, kwargs, self._settings, self._gate)
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._perform(step))
                self._tell()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()
            self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def _perform(self, step: Step) -> Outcome | None:
        import asyncio

        if isinstance(step, float):
            self._changed = self._changed or asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if step == math.inf else step)
            return None
        try:
            async with asyncio.timeout(_watch.LONGEST_ATTEMPT) as limit:
                return await self._read(step)
        except LOST as error:
            return TookTooLong(TOO_LONG.format(_watch.LONGEST_ATTEMPT)) if limit.expired() else outcome_of(error)

    async def _read(self, request: httpx.Request) -> httpx.Response:
        response = await self.http.send(request, stream=True)
        if response.is_stream_consumed:
            return response
        try:
            body = Body(response)
            async for chunk in response.aiter_raw() if body.raw else response.aiter_bytes():
                body.feed(chunk)
                if body.full:
                    break
            return body.deliver()
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self.http.aclose()


def exchange(
    http: httpx.Client | httpx.AsyncClient, kwargs: dict[str, Any], settings: Settings, gate: Gate
) -> Generator[Step, Any, httpx.Response]:
    """The course of one call: yields what to send and how long to wait, until an answer or an error is final."""
    attempt, due = 0, -math.inf
    while True:
        while (wait := due - time.monotonic()) > 0 or (wait := gate.enter(time.monotonic())) > 0:
            yield wait
        try:
            if http.is_closed:
                raise KonvoError("this client is closed: make a new one, or do the work inside its `with` block")
            request = build(http, **kwargs)
            sent_at = time.monotonic()
            outcome: Outcome = yield request
            now = time.monotonic()
            if isinstance(outcome, httpx.Response):
                gate.answered(outcome.status_code, sent_at, now)
        finally:
            gate.leave()
        tell(request, outcome, attempt, now - sent_at)
        delay = delay_before_retry(outcome, attempt, settings.max_retries, luck=random.random())  # noqa: S311
        attempt += 1
        if delay is None:
            return answer(outcome, request, attempt, settings.key_source)
        due = now + delay
        if isinstance(outcome, httpx.Response) and is_told_to_wait(outcome):
            gate.shut(due)
        logger.info(
            "%s %s: %s, next attempt (%d of %d) in %.1f s",
            *(request.method, request.url.path, named(outcome), attempt + 1, settings.max_retries + 1, delay),
        )


def is_told_to_wait(response: httpx.Response) -> bool:
    return response.status_code == 429 or retry_after(response.headers) is not None


def tell(request: httpx.Request, outcome: Outcome, attempt: int, seconds: float) -> None:
    size = outcome.num_bytes_downloaded if isinstance(outcome, httpx.Response) else 0
    logger.debug(
        "%s %s: %s, attempt %d, %.0f ms, %d bytes",
        *(request.method, request.url.path, named(outcome), attempt + 1, seconds * 1000, size),
    )


def named(outcome: Outcome) -> str:
    return str(outcome.status_code) if isinstance(outcome, httpx.Response) else type(outcome).__name__


def build(
    http: httpx.Client | httpx.AsyncClient, method: str, url: str, params: dict[str, Any] | None = None, **rest: Any
) -> httpx.Request:
    """The request of a generated builder. The address is put together here, as httpx would parse it three times."""
    query = f"?{httpx.QueryParams(params)}" if params else ""
    return http.build_request(method, f"{str(http.base_url).rstrip('/')}{url}{query}", **rest)


def outcome_of(error: Exception) -> Outcome:
    """What an attempt came to: a hook of the user's that raises for a status still had an answer.

    The frames of httpx and below have the key among their variables, which some tools show with a traceback.
    """
    if isinstance(error, httpx.HTTPStatusError):
        return error.response
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    return error
