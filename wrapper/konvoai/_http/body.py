"""The body of a response, gathered as it arrives and bounded in size."""

import gzip
import json
import zlib
from typing import Any

import httpx

from ..errors import ResponseValidationError

MAX_RESPONSE_BYTES = 256 * 2**20
MAX_ERROR_BYTES = 2**20


class Body:
    """Gathers the decoded chunks of a response.

    A body of status 200 above MAX_RESPONSE_BYTES is a `ResponseValidationError`; the body of an error is cut at
    MAX_ERROR_BYTES.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._max_bytes = MAX_RESPONSE_BYTES if response.status_code == 200 else MAX_ERROR_BYTES
        self._chunks: list[bytes] = []
        self._size = 0
        self._full = False

    def feed(self, chunk: bytes) -> bool:
        """Adds a chunk, and returns whether the rest can stay unread; raises `ResponseValidationError` for a page."""
        self._size += len(chunk)
        self._chunks.append(chunk)
        self._full = self._size > self._max_bytes
        if self._full and self._response.status_code == 200:
            raise ResponseValidationError(
                f"the response is larger than {self._max_bytes // 2**20} MB: request less at once, with a lower limit=",
                response=self._response,
            )
        return self._full

    def finish(self) -> httpx.Response:
        """Returns the response with its content; raises an `httpx.HTTPError` where a part of it is missing."""
        # httpx takes a part of a gzip or deflate stream for the whole, and drops the members after the first.
        inflater: Any = getattr(self._response._get_content_decoder(), "decompressor", None)
        if not self._full and self._response.num_bytes_downloaded and hasattr(inflater, "unused_data"):
            if not inflater.eof:
                raise httpx.DecodingError("the compressed response is incomplete")
            if inflater.unused_data.strip(b"\0"):
                self.feed(inflate(inflater.unused_data))
        content = self._response._content = b"".join(self._chunks)
        # Without these headers, the end of the connection is that of the body (RFC 9112, 6.3).
        is_framed = not {"content-length", "transfer-encoding"}.isdisjoint(self._response.headers)
        if self._response.status_code == 200 and not is_framed and is_cut_json(content):
            raise httpx.RemoteProtocolError("the connection ended within the JSON of the response")
        return self._response


def is_cut_json(content: bytes) -> bool:
    """Returns whether this begins as a JSON object or array and is not valid, or is empty."""
    if content and content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        return isinstance(error, ValueError)
    return False


def inflate(members: bytes) -> bytes:
    try:
        return gzip.decompress(members)
    except (EOFError, OSError, zlib.error) as error:
        raise httpx.DecodingError(f"invalid data after a gzip stream: {error}") from None
