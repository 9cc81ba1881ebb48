"""The body of a response, gathered as it comes and bounded in size."""

import zlib
from collections.abc import Iterable

import httpx

from ..errors import ResponseValidationError

MAX_RESPONSE_BYTES = 256 * 2**20
MAX_ERROR_BYTES = 2**20


class Body:
    """Gathers an answer from its bytes as they come, decoded and no larger than it may be.

    An error's answer is cut at MAX_ERROR_BYTES; a larger one of status 200 than MAX_RESPONSE_BYTES is a
    `ResponseValidationError`. httpx would take the half of a gzip stream for the whole.

    Attributes:
        raw: Whether `feed` takes the bytes as they came, or as httpx decodes them (of a content coding beyond gzip).
        full: Whether the rest can be left unread.
    """

    def __init__(self, response: httpx.Response) -> None:
        coding = response.headers.get("content-encoding", "").strip().lower()
        self._response = response
        self._inflater = zlib.decompressobj(32 + zlib.MAX_WBITS) if coding in ("gzip", "x-gzip", "deflate") else None
        self._most = MAX_RESPONSE_BYTES if response.status_code == 200 else MAX_ERROR_BYTES
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

    def finish(self) -> httpx.Response:
        """The response, its content read; raises `httpx.DecodingError` where the end is missing."""
        if self._inflater is not None and self._fed and not self._inflater.eof and not self.full:
            raise httpx.DecodingError("the compressed answer ends too early")
        content = b"".join(self._parts)
        self._response.iter_bytes = lambda chunk_size=None: iter([content])  # type: ignore[method-assign]
        self._response.read()
        del self._response.iter_bytes  # a response has to be picklable
        return self._response
