"""Connections that read in long pieces, and on which a waiting thread notices its `Deadline`.

In a module of its own: httpcore takes a fifth of the import time of httpx, so it is imported with the first client.
"""

import math
import ssl
import time
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from .deadline import CURRENT_DEADLINE, POLL_INTERVAL, signal_error

READ_SIZE = 2**18
"""Bytes to read at once, if there are so many: each read takes its way through h11, httpcore and httpx."""
TLS_RECORD = 2**14
"""The largest piece that a read of a TLS connection returns, whatever has arrived."""


class Stream:
    """A connection of httpcore; what a subclass does not change is passed on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _gather(self, data: bytes) -> bytes:
        """Returns the data with what else of a TLS connection has arrived."""
        if len(data) < TLS_RECORD or not (tls := self._stream.get_extra_info("ssl_object")):
            return data
        self._stream.get_extra_info("socket").settimeout(0)
        pieces, size = [data], len(data)
        with suppress(ssl.SSLError):  # nothing more yet, or the end, which the next read meets
            while size < READ_SIZE and pieces[-1]:
                pieces.append(tls.read(READ_SIZE))
                size += len(pieces[-1])
        return b"".join(pieces)


class InterruptibleStream(Stream):
    """Waits in slices of POLL_INTERVAL, and checks the current `Deadline` between them."""

    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        limit = CURRENT_DEADLINE.get()
        if limit is None:
            return self._stream.read(max_bytes, timeout)
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = min(limit.remaining(), ends - time.monotonic())
            try:
                return self._gather(self._stream.read(READ_SIZE, max(min(left, POLL_INTERVAL), 0.001)))
            except httpcore.ReadTimeout as error:
                if time.monotonic() >= ends or signal_error(error):
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, **limit_timeout({"timeout": timeout}))

    def start_tls(self, *args: Any, **kwargs: Any) -> "InterruptibleStream":
        return InterruptibleStream(self._stream.start_tls(*args, **limit_timeout(kwargs)))


class AsyncStream(Stream):
    """Reads in long pieces."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._gather(await self._stream.read(READ_SIZE, timeout))

    async def start_tls(self, *args: Any, **kwargs: Any) -> "AsyncStream":
        return AsyncStream(await self._stream.start_tls(*args, **kwargs))


class Backend:
    """Opens the connections of a pool."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
        return InterruptibleStream(self._backend.connect_tcp(*args, **limit_timeout(kwargs)))


class AsyncBackend(Backend):
    async def connect_tcp(self, *args: Any, **kwargs: Any) -> Any:
        return AsyncStream(await self._backend.connect_tcp(*args, **kwargs))


def limit_timeout(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a wait with `timeout` cut to what remains of the current `Deadline`."""
    limit, timeout = CURRENT_DEADLINE.get(), arguments.get("timeout")
    if limit is None:
        return arguments
    return {**arguments, "timeout": limit.remaining() if timeout is None else min(timeout, limit.remaining())}


def replace_backend(http: httpx.Client | httpx.AsyncClient) -> None:
    """Replaces the network backend of a client: httpcore has an argument for it, httpx does not."""
    kind = AsyncBackend if isinstance(http, httpx.AsyncClient) else Backend
    for transport in (http._transport, *http._mounts.values()):
        if pool := getattr(transport, "_pool", None):
            pool._network_backend = kind(pool._network_backend)
