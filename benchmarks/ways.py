"""One way of reading all sessions with 10 messages each, in a process of its own, which prints its CPU seconds.

python -m benchmarks.ways WAY URL
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

KEY = "benchmark"
KEY_HEADER = "x-api-key"
LIMIT = 200
EVERYTHING = {"messages": True, "state": True}
# Each way imports what it needs: importing belongs to its CPU.


def by_socket(url: str) -> int:
    """Read by the least that Python can do: one socket, and orjson to dicts."""
    import orjson

    host, page, read = urlsplit(url).netloc, 0, 0
    with socket.create_connection(host.rsplit(":", 1)) as connection:  # type: ignore[arg-type]
        while True:
            target = f"/ai-sessions?page={page}&limit={LIMIT}&messages=true&state=true"
            head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{KEY_HEADER}: {KEY}\r\n\r\n"
            connection.sendall(head.encode())
            if not (found := orjson.loads(body_of(connection))["result"]):
                return read
            read, page = read + len(found), page + 1


def body_of(connection: socket.socket) -> bytearray:
    received = bytearray()
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += connection.recv(2**18)
    head, body = bytes(received[:end]).lower(), received[end + 4 :]
    length = int(head.partition(b"content-length:")[2].split(None, 1)[0])
    while len(body) < length:
        body += connection.recv(2**18)
    return body


def by_httpx(url: str) -> int:
    import httpx

    page = read = 0
    with httpx.Client(base_url=url, headers={KEY_HEADER: KEY}, timeout=60) as http:
        while found := http.get("/ai-sessions", params={"page": page, "limit": LIMIT, **EVERYTHING}).json()["result"]:
            read, page = read + len(found), page + 1
    return read


def by_generated_client(url: str) -> int:
    from konvo_api_client import AuthenticatedClient
    from konvo_api_client.api.ai_sessions import list_ai_sessions

    page = read = 0
    with AuthenticatedClient(url, KEY, prefix="", auth_header_name=KEY_HEADER) as client:
        while True:
            response: Any = list_ai_sessions.sync_detailed(client=client, page=page, limit=LIMIT, **EVERYTHING)
            if not response.parsed.result:
                return read
            read, page = read + len(response.parsed.result), page + 1


def by_list(url: str, concurrency: int) -> int:
    from konvoai import Konvo

    with Konvo(KEY, base_url=url) as konvo:
        return sum(1 for _ in konvo.ai_sessions.list(concurrency=concurrency, **EVERYTHING))


def by_async_list(url: str, concurrency: int) -> int:
    async def read() -> int:
        from konvoai import AsyncKonvo

        found = 0
        async with AsyncKonvo(KEY, base_url=url) as konvo:
            async for _ in konvo.ai_sessions.list(concurrency=concurrency, **EVERYTHING):
                found += 1
        return found

    return asyncio.run(read())


WAYS: dict[str, Callable[[str], int]] = {
    "httpx to dicts": by_httpx,
    "socket and orjson to dicts": by_socket,
    "the generated client": by_generated_client,
    **{f"`Konvo`, concurrency={c}": lambda url, c=c: by_list(url, c) for c in (1, 4, 8)},  # type: ignore[misc]
    **{f"`AsyncKonvo`, concurrency={c}": lambda url, c=c: by_async_list(url, c) for c in (1, 4, 8)},  # type: ignore[misc]
}

if __name__ == "__main__":
    print(WAYS[sys.argv[1]](sys.argv[2]), time.process_time())
