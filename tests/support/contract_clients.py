"""One interface to the sync and the async client: any generated function, and the wrapper's lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx
from openapi_python_client.strings import PythonIdentifier

from konvoai import AsyncKonvo, Konvo
from konvoai._arguments import parameters_of
from tests.support import api_document
from tests.support.api_document import Operation, Parameter

KEY = "test-key"


def python_name(name: str) -> str:
    """Return the Python name that the generator makes from a name of the API document."""
    return str(PythonIdentifier(name, "field_"))


def generated(operation: Operation) -> ModuleType:
    """Return the generated module of an operation."""
    return import_module(f"konvo_api_client.api.{python_name(operation.tag)}.{python_name(operation.id)}")


def paginator(konvo: Any, operation: Operation, arguments: dict[str, Any]) -> Any:
    """Return the wrapper's paginator of an operation."""
    return getattr(konvo, resources()[generated(operation)._get_kwargs]).list(**arguments)


@cache
def resources() -> dict[Any, str]:
    """Return the names of the wrapper's lists, by the generated builder of their operation."""
    with Konvo(KEY) as konvo:
        return {resource.build: name for name, resource in vars(konvo).items() if hasattr(resource, "list")}


def list_parameters(operation: Operation) -> list[Parameter]:
    """Return the parameters of a list as the wrapper takes them: its time filters, which may be texts, are times."""
    times = parameters_of(generated(operation)._get_kwargs).times or ()
    time = {"type": "string", "format": "date-time"}
    return [
        replace(parameter, schema=time) if python_name(parameter.name) in times else parameter
        for parameter in operation.parameters
    ]


def is_offered(operation: Operation) -> bool:
    return generated(operation)._get_kwargs in resources()


class Client:
    """Calls a server and records its responses.

    Args:
        key: The key to send; None sends none.
        headers: Further headers, such as Prism's `Prefer`.

    Attributes:
        received: The raw responses.
    """

    def __init__(self, url: str, *, key: str | None = KEY, **headers: str) -> None:
        self.url = url
        self.key = key
        self.headers = headers
        self.received: list[httpx.Response] = []

    def _change_key(self, request: httpx.Request) -> None:
        # The wrapper itself sends no request without a usable key.
        if self.key is None:
            del request.headers[api_document.key_header()]
        elif self.key != KEY:
            request.headers[api_document.key_header()] = self.key


class SyncClient(Client):
    def _record(self, response: httpx.Response) -> None:
        response.read()
        self.received.append(response)

    @contextmanager
    def konvo(self) -> Iterator[Konvo]:
        hooks: dict[str, list[Any]] = {"request": [self._change_key], "response": [self._record]}
        with (
            httpx.Client(headers=self.headers, event_hooks=hooks, verify=False) as http,
            Konvo(KEY, base_url=self.url, http_client=http, max_retries=0, on_drift="ignore") as konvo,
        ):
            yield konvo

    async def call(self, operation: Operation, **arguments: Any) -> Any:
        with self.konvo() as konvo:
            return generated(operation).sync_detailed(client=konvo.api, **arguments)

    async def items(self, operation: Operation, **arguments: Any) -> list[Any]:
        with self.konvo() as konvo:
            return list(paginator(konvo, operation, arguments))

    async def count(self, operation: Operation, **arguments: Any) -> int | None:
        with self.konvo() as konvo:
            return paginator(konvo, operation, arguments).count()

    async def first_page(self, operation: Operation, **arguments: Any) -> Any:
        with self.konvo() as konvo:
            return next(iter(paginator(konvo, operation, arguments).pages()), None)


class AsyncClient(Client):
    async def _change_key_async(self, request: httpx.Request) -> None:
        self._change_key(request)

    async def _record(self, response: httpx.Response) -> None:
        await response.aread()
        self.received.append(response)

    @asynccontextmanager
    async def konvo(self) -> AsyncIterator[AsyncKonvo]:
        hooks: dict[str, list[Any]] = {"request": [self._change_key_async], "response": [self._record]}
        async with (
            httpx.AsyncClient(headers=self.headers, event_hooks=hooks, verify=False) as http,
            AsyncKonvo(KEY, base_url=self.url, http_client=http, max_retries=0, on_drift="ignore") as konvo,
        ):
            yield konvo

    async def call(self, operation: Operation, **arguments: Any) -> Any:
        async with self.konvo() as konvo:
            return await generated(operation).asyncio_detailed(client=konvo.api, **arguments)

    async def items(self, operation: Operation, **arguments: Any) -> list[Any]:
        async with self.konvo() as konvo:
            return [item async for item in paginator(konvo, operation, arguments)]

    async def count(self, operation: Operation, **arguments: Any) -> int | None:
        async with self.konvo() as konvo:
            return await paginator(konvo, operation, arguments).count()

    async def first_page(self, operation: Operation, **arguments: Any) -> Any:
        async with self.konvo() as konvo, aclosing(paginator(konvo, operation, arguments).pages()) as pages:
            return await anext(pages, None)
