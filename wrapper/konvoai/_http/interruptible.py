"""Connections that hold every wait to the `Deadline` of the thread that waits.

Apart from `_watch`, as httpcore takes a fifth of the time that httpx takes to import: it waits for the first client.
"""

import math
import time
from typing import Any

import httpcore
import httpx

from .deadline import CURRENT_DEADLINE, POLL_INTERVAL


class InterruptibleStream(httpcore.NetworkStream):
    """A connection whose every wait is held to the `Deadline` of the thread that waits."""

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
            except httpcore.ReadTimeout:
                if time.monotonic() >= ends:
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
    """Opens connections that are watched."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return InterruptibleStream(self._backend.connect_tcp(*args, **limit_timeout(kwargs)))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return InterruptibleStream(self._backend.connect_unix_socket(*args, **limit_timeout(kwargs)))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def limit_timeout(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a wait, their `timeout` no longer than what is left."""
    limit, timeout = CURRENT_DEADLINE.get(), arguments.get("timeout")
    if limit is None:
        return arguments
    return {**arguments, "timeout": limit.remaining() if timeout is None else min(timeout, limit.remaining())}


def make_interruptible(http: httpx.Client) -> httpx.Client:
    """httpx has no argument for it, though httpcore, which it builds upon, does."""
    for transport in (http._transport, *http._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = InterruptibleBackend(pool._network_backend)
    return http
