"""Connections on which a waiting thread notices its `Deadline`.

In a module of its own: httpcore takes a fifth of the import time of httpx, so it is imported with the first client.
"""

import math
import time
from typing import Any

import httpcore
import httpx

from .deadline import CURRENT_DEADLINE, POLL_INTERVAL, signal_error


class InterruptibleStream(httpcore.NetworkStream):
    """A connection that waits in slices of POLL_INTERVAL, and checks the current `Deadline` between them."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        limit = CURRENT_DEADLINE.get()
        if limit is None:
            return self._stream.read(max_bytes, timeout)
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = min(limit.remaining(), ends - time.monotonic())
            try:
                return self._stream.read(max_bytes, max(min(left, POLL_INTERVAL), 0.001))
            except httpcore.ReadTimeout as error:
                if time.monotonic() >= ends or signal_error(error):
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, **limit_timeout({"timeout": timeout}))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return InterruptibleStream(self._stream.start_tls(*args, **limit_timeout(kwargs)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class InterruptibleBackend(httpcore.NetworkBackend):
    """Opens interruptible connections."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return InterruptibleStream(self._backend.connect_tcp(*args, **limit_timeout(kwargs)))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return InterruptibleStream(self._backend.connect_unix_socket(*args, **limit_timeout(kwargs)))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def limit_timeout(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a wait with `timeout` cut to what remains of the current `Deadline`."""
    limit, timeout = CURRENT_DEADLINE.get(), arguments.get("timeout")
    if limit is None:
        return arguments
    return {**arguments, "timeout": limit.remaining() if timeout is None else min(timeout, limit.remaining())}


def make_interruptible(http: httpx.Client) -> httpx.Client:
    """Replace the network backend of a client: httpcore has an argument for it, httpx does not."""
    for transport in (http._transport, *http._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = InterruptibleBackend(pool._network_backend)
    return http
