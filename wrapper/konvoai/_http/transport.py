"""The one place, sync and async, where a request is sent."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from .._settings import Settings
from ..errors import KonvoError
from . import deadline
from .body import Body
from .clients import ATTEMPT, release_connections
from .deadline import CURRENT_DEADLINE, Deadline, DeadlineExceeded
from .request_flow import TRANSPORT_ERRORS, Step, advance, as_outcome, request_flow
from .retry import Outcome
from .throttle import Throttle

if TYPE_CHECKING:
    import asyncio

NO_STREAM = httpx.ByteStream(b"")
"""Replaces the stream of a response that was read: the two would hold each other until the garbage collector runs."""
HttpT = TypeVar("HttpT", bound=httpx.Client | httpx.AsyncClient)


class BaseTransport(Generic[HttpT]):
    """The httpx client and the throttle of one process: a fork opens its own, and leaves its parent's alone.

    Args:
        open_client: Opens the httpx client.
        shared: Whether the connections are the user's, whose client konvoai cannot open again.
    """

    def __init__(self, open_client: Callable[[], HttpT], settings: Settings, *, shared: bool) -> None:
        self._open_client = open_client
        self._settings = settings
        self._shared = shared
        self._connect()

    def _connect(self) -> None:
        self._process = os.getpid()
        from .interruptible import replace_backend

        self._http = self._open_client()
        replace_backend(self._http)
        bytes(2**24)  # once freed, glibc keeps blocks up to this size: a thread would get each buffer anew from the system
        self._throttle = Throttle()

    def _is_parents(self) -> bool:
        """Returns whether the connections are the user's, and those of the process that was forked."""
        return self._shared and self._process != os.getpid()

    @property
    def http(self) -> HttpT:
        """The httpx client of this process."""
        if self._is_parents():
            raise KonvoError(
                "http_client= belongs to the parent of this process: make a new httpx client and a new Konvo here"
            )
        if self._process != os.getpid():
            self._inherited = self._http  # kept, so that nothing closes the parent's connections
            self._connect()
        return self._http


class Transport(BaseTransport[httpx.Client]):
    """Sends what `request_flow` decides, over one `httpx.Client`; each wait is held to a `Deadline`."""

    def _connect(self) -> None:
        super()._connect()
        self._closing = threading.Event()

    def send(self, kwargs: dict[str, Any], stop: threading.Event | None = None) -> httpx.Response:
        """Returns the response of status 200, its content read; raises `KonvoError` where there is none.

        Args:
            kwargs: What a generated request builder returns.
            stop: Cancels the request once it is set.
        """
        flow = request_flow(self.http, kwargs, self._settings, self._throttle)
        cancelled = (self._closing,) if stop is None else (self._closing, stop)
        outcome = None
        try:
            while not isinstance(step := advance(flow, outcome), httpx.Response):
                outcome = self._perform(step, cancelled)
            return step
        finally:
            flow.close()

    def _perform(self, step: Step, cancelled: tuple[threading.Event, ...]) -> Outcome | None:
        limit = Deadline(deadline.ATTEMPT_TIMEOUT, *cancelled)
        if isinstance(step, float):
            limit.remaining()
            time.sleep(min(step, deadline.POLL_INTERVAL))
            return None
        token = CURRENT_DEADLINE.set(limit)
        try:
            return self._read(step, limit)
        except TRANSPORT_ERRORS as error:
            return as_outcome(error)
        finally:
            CURRENT_DEADLINE.reset(token)

    def _read(self, request: httpx.Request, limit: Deadline) -> httpx.Response:
        response = self.http.send(request, stream=True)
        if response.is_stream_consumed:  # by a hook of the user
            return response
        try:
            body = Body(response)
            for chunk in response.iter_bytes():
                body.feed(chunk)
                limit.remaining()
                if body.full:
                    break
            return body.finish()
        finally:
            response.close()
            response.stream = NO_STREAM

    def close(self) -> None:
        """Cancels the requests in flight, then close the connections; a fork leaves the user's open."""
        if self._is_parents():
            return
        self._closing.set()
        ends = time.monotonic() + 10 * deadline.POLL_INTERVAL
        while self._throttle.in_flight and time.monotonic() < ends:
            time.sleep(deadline.POLL_INTERVAL / 10)
        self.http.close()


class AsyncTransport(BaseTransport[httpx.AsyncClient]):
    """`Transport` over one `httpx.AsyncClient`, for one event loop."""

    def _connect(self) -> None:
        super()._connect()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, kwargs: dict[str, Any]) -> httpx.Response:
        """Returns the response of status 200, its content read; raises `KonvoError` where there is none."""
        import asyncio  # late: a tenth of the import time of konvoai, which sync users do not need

        http, loop = self.http, asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise KonvoError(
                "this AsyncKonvo belongs to another event loop, where its connections are: make one in each, inside "
                "the function that is given to asyncio.run()"
            )
        self._loop = loop
        flow = request_flow(http, kwargs, self._settings, self._throttle)
        outcome = None
        try:
            while not isinstance(step := advance(flow, outcome), httpx.Response):
                outcome = await self._perform(step)
            return step
        finally:
            flow.close()

    async def _perform(self, step: Step) -> Outcome | None:
        import asyncio

        if isinstance(step, float):
            await asyncio.sleep(min(step, deadline.POLL_INTERVAL))
            return None
        step.extensions[ATTEMPT] = attempt = object()
        try:
            async with asyncio.timeout(deadline.ATTEMPT_TIMEOUT) as limit:
                return await self._read(step)
        except TRANSPORT_ERRORS as error:
            if not limit.expired():
                return as_outcome(error)
            await release_connections(self.http, attempt)
            return DeadlineExceeded.after(deadline.ATTEMPT_TIMEOUT)
        except asyncio.CancelledError:
            await release_connections(self.http, attempt)
            raise

    async def _read(self, request: httpx.Request) -> httpx.Response:
        response = await self.http.send(request, stream=True)
        if response.is_stream_consumed:  # by a hook of the user
            return response
        try:
            body = Body(response)
            async for chunk in response.aiter_bytes():
                body.feed(chunk)
                if body.full:
                    break
            return body.finish()
        finally:
            await response.aclose()
            response.stream = NO_STREAM

    async def close(self) -> None:
        """Closes the connections, in the event loop that they belong to; a fork leaves the user's open."""
        import asyncio

        if self._is_parents():
            return
        http, loop = self.http, asyncio.get_running_loop()
        if self._loop in (None, loop):
            await http.aclose()
        elif not self._loop.is_closed():
            raise KonvoError("this AsyncKonvo is in use in another event loop: await aclose() there")
        else:
            with suppress(RuntimeError):  # asyncio does not close connections of a closed loop: Python does, without it
                await http.aclose()
