"""The same calls for the sync and the async client, so that one test covers both."""

import asyncio
from typing import Any, Literal

import konvoai

ClientMode = Literal["sync", "async"]
ReadMethod = Literal["list", "scan"]
KEY = "test-key"


def read(
    mode: ClientMode, url: str, *, method: ReadMethod = "list", client: dict[str, Any] | None = None, **arguments: Any
) -> list[konvoai.AISession]:
    """Return the sessions of a list or a scan."""
    options = {"api_key": KEY, "base_url": url, **(client or {})}
    if mode == "sync":
        with konvoai.Konvo(**options) as konvo:
            return list(getattr(konvo.ai_sessions, method)(**arguments))

    async def sessions() -> list[konvoai.AISession]:
        async with konvoai.AsyncKonvo(**options) as konvo:
            return [session async for session in getattr(konvo.ai_sessions, method)(**arguments)]

    return asyncio.run(sessions())


def read_pages(
    mode: ClientMode, url: str, *, client: dict[str, Any] | None = None, **arguments: Any
) -> list[konvoai.Page[konvoai.AISession]]:
    options = {"api_key": KEY, "base_url": url, **(client or {})}
    if mode == "sync":
        with konvoai.Konvo(**options) as konvo:
            return list(konvo.ai_sessions.list(**arguments).pages())

    async def pages() -> list[konvoai.Page[konvoai.AISession]]:
        async with konvoai.AsyncKonvo(**options) as konvo:
            return [page async for page in konvo.ai_sessions.list(**arguments).pages()]

    return asyncio.run(pages())


def count(mode: ClientMode, url: str, **arguments: Any) -> int | None:
    if mode == "sync":
        with konvoai.Konvo(KEY, base_url=url) as konvo:
            return konvo.ai_sessions.list(**arguments).count()

    async def counted() -> int | None:
        async with konvoai.AsyncKonvo(KEY, base_url=url) as konvo:
            return await konvo.ai_sessions.list(**arguments).count()

    return asyncio.run(counted())
