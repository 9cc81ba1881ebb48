"""The sending: httpx clients that carry the key, and one place each, sync and async, where a request goes out."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

from .._settings import Settings
from ..errors import KonvoError
from . import deadline
from .body import Body
from .deadline import CURRENT_DEADLINE, TIMEOUT_MESSAGE, Deadline, DeadlineExceeded
from .request_flow import TRANSPORT_ERRORS, Step, as_outcome, request_flow
from .retry import Outcome
from .throttle import Throttle

if TYPE_CHECKING:
    import asyncio


class Transport:
    """Sends what `request_flow` decides, over one httpx client."""

    def __init__(self, open_client: Callable[[], httpx.Client], settings: Settings) -> None:
        self._open = open_client
        self._settings = settings
        self.renew()

    def renew(self) -> None:
        """New connections: at the beginning, and in a child of a fork, which must not share its parent's."""
        from .interruptible import make_interruptible

        self.http = make_interruptible(self._open())
        self._throttle = Throttle()
        self._changed = threading.Condition()
        self._closing = threading.Event()

    def send(self, kwargs: dict[str, Any], stop: threading.Event | None = None) -> httpx.Response:
        """The answer of status 200, its content read; raises `KonvoError` where there is none.

        Args:
            stop: Once it is set, the request ends with `RequestCancelled`.
        """
        stops = (self._closing,) if stop is None else (self._closing, stop)
        steps = request_flow(self.http, kwargs, self._settings, self._throttle)
        try:
            step = next(steps)
            while True:
                step = steps.send(self._perform(step, stops))
                self._notify()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()
            self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _perform(self, step: Step, stops: tuple[threading.Event, ...]) -> Outcome | None:
        limit = Deadline(deadline.ATTEMPT_TIMEOUT, *stops)
        if isinstance(step, float):
            limit.remaining()
            with self._changed:
                self._changed.wait(min(step, deadline.POLL_INTERVAL))
            return None
        held = CURRENT_DEADLINE.set(limit)
        try:
            return self._read(step, limit)
        except TRANSPORT_ERRORS as error:
            return as_outcome(error)
        finally:
            CURRENT_DEADLINE.reset(held)

    def _read(self, request: httpx.Request, limit: Deadline) -> httpx.Response:
        response = self.http.send(request, stream=True)
        if response.is_stream_consumed:  # by a hook of the user's
            return response
        try:
            body = Body(response)
            for chunk in response.iter_raw() if body.raw else response.iter_bytes():
                body.feed(chunk)
                limit.remaining()
                if body.full:
                    break
            return body.finish()
        finally:
            response.close()

    def close(self) -> None:
        """Ends what is under way, then closes the connections."""
        self._closing.set()
        self._notify()
        with self._changed:
            self._changed.wait_for(lambda: not self._throttle.in_flight, timeout=10 * deadline.POLL_INTERVAL)
        self.http.close()


class AsyncTransport:
    """The twin of `Transport`."""

    def __init__(self, open_client: Callable[[], httpx.AsyncClient], settings: Settings) -> None:
        self._open = open_client
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self.renew()

    def renew(self) -> None:
        """New connections: at the beginning, and in a child of a fork, which must not share its parent's."""
        self.http = self._open()
        self._throttle = Throttle()
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
        steps = request_flow(self.http, kwargs, self._settings, self._throttle)
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._perform(step))
                self._notify()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()
            self._notify()

    def _notify(self) -> None:
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
            async with asyncio.timeout(deadline.ATTEMPT_TIMEOUT) as limit:
                return await self._read(step)
        except TRANSPORT_ERRORS as error:
            return (
                DeadlineExceeded(TIMEOUT_MESSAGE.format(deadline.ATTEMPT_TIMEOUT))
                if limit.expired()
                else as_outcome(error)
            )

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
            return body.finish()
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self.http.aclose()
