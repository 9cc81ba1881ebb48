"""The one place, sync and async, where a request is sent."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Generic

import httpx

from .._settings import Settings
from ..errors import KonvoError
from . import deadline
from .body import Body
from .clients import ATTEMPT, HttpT, open_client, release_connections
from .deadline import CURRENT_DEADLINE, Deadline, DeadlineExceeded
from .request_flow import TRANSPORT_ERRORS, Step, advance, as_outcome, request_flow
from .retry import Outcome
from .throttle import Throttle

if TYPE_CHECKING:
    import asyncio

NO_STREAM = httpx.ByteStream(b"")
"""Replaces the stream of a response that was read: the two would hold each other until the garbage collector runs."""


class BaseTransport(Generic[HttpT]):
    """The httpx client and the throttle of one process: a fork opens its own, and leaves its parent's alone."""

    _kind: ClassVar[type[Any]]

    def __init__(self, user_client: HttpT | None, settings: Settings) -> None:
        self._user_client = user_client
        self._settings = settings
        self._connecting = threading.RLock()
        self._connect()
        self._process = os.getpid()

    def _connect(self) -> None:
        from .interruptible import replace_backend

        self._http: HttpT = open_client(self._kind, self._user_client, self._settings)
        replace_backend(self._http)
        self._throttle = Throttle()
        bytes(2**24)  # once freed, glibc keeps blocks up to this size: else each buffer of a thread costs page faults

    def _is_parents(self) -> bool:
        """Returns whether the connections are the user's, and those of the process that was forked."""
        return self._user_client is not None and self._process != os.getpid()

    @property
    def http(self) -> HttpT:
        """The httpx client of this process."""
        if self._is_parents():
            raise KonvoError(
                "http_client= belongs to the parent of this process: make a new httpx client and a new Konvo here"
            )
        with self._connecting:  # the threads of a reading may meet here: none must send over the parent's connections
            if self._process != os.getpid():
                self._inherited = self._http  # kept, so that nothing closes the parent's connections
                self._connect()
                self._process = os.getpid()
        return self._http


class Transport(BaseTransport[httpx.Client]):
    """Sends what `request_flow` decides, over one `httpx.Client`; each wait is held to a `Deadline`."""

    _kind = httpx.Client

    def _connect(self) -> None:
        super()._connect()
        self._closing = threading.Event()

    def send(self, kwargs: dict[str, Any], *stop: threading.Event) -> httpx.Response:
        """Returns the response of status 200, its content read; raises `KonvoError` where there is none.

        Args:
            kwargs: What a generated request builder returns.
            stop: Cancels the request once it is set.
        """
        with closing(request_flow(self.http, kwargs, self._settings, self._throttle)) as flow:
            outcome = None
            while not isinstance(step := advance(flow, outcome), httpx.Response):
                outcome = self._perform(step, Deadline(deadline.ATTEMPT_TIMEOUT, self._closing, *stop))
            return step

    def _perform(self, step: Step, limit: Deadline) -> Outcome | None:
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
        try:
            body = Body(response)
            for chunk in response.iter_bytes():
                limit.remaining()
                if body.feed(chunk):
                    break
            return body.finish()
        finally:
            response.close()
            response.stream = NO_STREAM

    def close(self) -> None:
        """Cancels the requests in flight, then closes the connections; a fork leaves the user's open."""
        if self._is_parents():
            return
        self._closing.set()
        ends = time.monotonic() + 10 * deadline.POLL_INTERVAL
        while self._throttle.in_flight and time.monotonic() < ends:
            time.sleep(deadline.POLL_INTERVAL / 10)
        self.http.close()


class AsyncTransport(BaseTransport[httpx.AsyncClient]):
    """`Transport` over one `httpx.AsyncClient`, for one event loop."""

    _kind = httpx.AsyncClient

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
        with closing(request_flow(http, kwargs, self._settings, self._throttle)) as flow:
            outcome = None
            while not isinstance(step := advance(flow, outcome), httpx.Response):
                outcome = await self._perform(step)
            return step

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
        try:
            body = Body(response)
            async for chunk in response.aiter_bytes():
                if body.feed(chunk):
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
