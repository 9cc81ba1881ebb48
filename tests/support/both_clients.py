"""The two faces of the client, so that one test speaks of both: what it asks of one it asks of the other."""

import asyncio
from typing import Any, Literal

import konvoai

Face = Literal["sync", "async"]
Way = Literal["list", "scan"]
KEY = "test-key"


def read(
    face: Face, url: str, *, way: Way = "list", client: dict[str, Any] | None = None, **arguments: Any
) -> list[konvoai.AISession]:
    """The sessions of a list or of a scan."""
    options = {"api_key": KEY, "base_url": url, **(client or {})}
    if face == "sync":
        with konvoai.Konvo(**options) as konvo:
            return list(getattr(konvo.ai_sessions, way)(**arguments))

    async def sessions() -> list[konvoai.AISession]:
        async with konvoai.AsyncKonvo(**options) as konvo:
            return [session async for session in getattr(konvo.ai_sessions, way)(**arguments)]

    return asyncio.run(sessions())


def read_pages(
    face: Face, url: str, *, client: dict[str, Any] | None = None, **arguments: Any
) -> list[konvoai.Page[konvoai.AISession]]:
    options = {"api_key": KEY, "base_url": url, **(client or {})}
    if face == "sync":
        with konvoai.Konvo(**options) as konvo:
            return list(konvo.ai_sessions.list(**arguments).pages())

    async def pages() -> list[konvoai.Page[konvoai.AISession]]:
        async with konvoai.AsyncKonvo(**options) as konvo:
            return [page async for page in konvo.ai_sessions.list(**arguments).pages()]

    return asyncio.run(pages())


def count(face: Face, url: str, **arguments: Any) -> int | None:
    if face == "sync":
        with konvoai.Konvo(KEY, base_url=url) as konvo:
            return konvo.ai_sessions.list(**arguments).count()

    async def counted() -> int | None:
        async with konvoai.AsyncKonvo(KEY, base_url=url) as konvo:
            return await konvo.ai_sessions.list(**arguments).count()

    return asyncio.run(counted())
