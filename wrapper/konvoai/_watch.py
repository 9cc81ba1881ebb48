"""Bounds on one attempt: how long it may take as a whole, how large its answer may be, and an end at any moment."""

import math
import threading
import time
import zlib
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from .errors import KonvoError, ResponseValidationError

LONGEST_ATTEMPT = 300.0
LARGEST_ANSWER = 256 * 2**20
LARGEST_REFUSAL = 2**20
TOO_LONG = "the answer was not complete after {:g} s"
SLICE = 0.1
"""Seconds within which a thread that waits for the server hears that it is no longer wanted."""


class TookTooLong(httpx.ReadTimeout):
    """An attempt that lasted LONGEST_ATTEMPT, however steadily its bytes came."""


class Stopped(KonvoError):
    """Nobody waits for this request any more."""


class Watch:
    """What a request of a thread is held to.

    Args:
        stops: Any of them, once set, ends it.
    """

    def __init__(self, seconds: float, *stops: threading.Event) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._stops = stops

    def left(self) -> float:
        """The seconds left; raises `Stopped` or `TookTooLong`."""
        for stop in self._stops:
            if stop.is_set():
                raise Stopped("this client was closed, or its reading ended, while a request was under way")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TookTooLong(TOO_LONG.format(self._seconds))
        return left


WATCH: ContextVar[Watch | None] = ContextVar("WATCH", default=None)


class WatchedStream(httpcore.NetworkStream):
    """A connection whose every wait is held to the `Watch` of the thread that waits."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = WATCH.get()
        if watch is None:
            return self._stream.read(max_bytes, timeout)
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = min(watch.left(), ends - time.monotonic())
            try:
                return self._stream.read(max_bytes, max(min(left, SLICE), 0.001))
            except httpcore.ReadTimeout:
                if time.monotonic() >= ends:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, **within_watch({"timeout": timeout}))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return WatchedStream(self._stream.start_tls(*args, **within_watch(kwargs)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class WatchedBackend(httpcore.NetworkBackend):
    """Opens connections that are watched."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return WatchedStream(self._backend.connect_tcp(*args, **within_watch(kwargs)))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return WatchedStream(self._backend.connect_unix_socket(*args, **within_watch(kwargs)))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def within_watch(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a wait, their `timeout` no longer than what is left."""
    watch, timeout = WATCH.get(), arguments.get("timeout")
    if watch is None:
        return arguments
    return {**arguments, "timeout": watch.left() if timeout is None else min(timeout, watch.left())}


def watch_connections(http: httpx.Client) -> httpx.Client:
    """httpx has no argument for it, though httpcore, which it builds upon, does."""
    for transport in (http._transport, *http._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = WatchedBackend(pool._network_backend)
    return http


class Body:
    """Gathers an answer from its bytes as they come, decoded and no larger than it may be.

    An error's answer is cut at LARGEST_REFUSAL; a larger one of status 200 than LARGEST_ANSWER is a
    `ResponseValidationError`. httpx would take the half of a gzip stream for the whole.

    Attributes:
        raw: Whether `feed` takes the bytes as they came, or as httpx decodes them (of a content coding beyond gzip).
        full: Whether the rest can be left unread.
    """

    def __init__(self, response: httpx.Response) -> None:
        coding = response.headers.get("content-encoding", "").strip().lower()
        self._response = response
        self._inflater = zlib.decompressobj(32 + zlib.MAX_WBITS) if coding in ("gzip", "x-gzip", "deflate") else None
        self._most = LARGEST_ANSWER if response.status_code == 200 else LARGEST_REFUSAL
        self._parts: list[bytes] = []
        self._size = 0
        self._fed = False
        self.raw = coding in ("", "identity") or self._inflater is not None
        self.full = False

    def feed(self, chunk: bytes) -> None:
        first, self._fed = not self._fed, True
        for part in [chunk] if self._inflater is None else self._inflated(chunk, first):
            self._size += len(part)
            self._parts.append(part)
            if self._size > self._most and self._response.status_code == 200:
                raise ResponseValidationError(
                    f"the answer is larger than {self._most // 2**20} MB: ask for less at once, with a lower limit=",
                    response=self._response,
                )
            if self._size > self._most:
                self.full = True
                return

    def _inflated(self, chunk: bytes, first: bool) -> Iterable[bytes]:
        inflater = self._inflater
        assert inflater is not None  # noqa: S101 - for the type checker
        while chunk:
            try:
                yield inflater.decompress(chunk)
            except zlib.error as error:
                if not first:
                    raise httpx.DecodingError(str(error)) from None
                first, inflater = False, zlib.decompressobj(-zlib.MAX_WBITS)  # what some take "deflate" for
                self._inflater = inflater
                continue
            first, chunk = False, inflater.unused_data
            if chunk:  # one more stream behind the first
                self._inflater = inflater = zlib.decompressobj(32 + zlib.MAX_WBITS)

    def deliver(self) -> httpx.Response:
        """The response, its content read; raises `httpx.DecodingError` where the end is missing."""
        if self._inflater is not None and self._fed and not self._inflater.eof and not self.full:
            raise httpx.DecodingError("the compressed answer ends too early")
        content = b"".join(self._parts)
        self._response.iter_bytes = lambda chunk_size=None: iter([content])  # type: ignore[method-assign]
        self._response.read()
        return self._response
