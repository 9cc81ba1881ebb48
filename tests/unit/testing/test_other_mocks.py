"""Mocks of other packages need one response for a list of one page: its `count` says that this is all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from unittest.mock import create_autospec

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from konvoai import AISession, AsyncKonvo, Konvo
from tests.support.both_clients import ClientMode, read

URL = "https://api.konvoai.com/ai-sessions"
SERVER = "https://api.konvoai.com"
BODY = {"count": 1, "result": [{"id": "a"}]}


def one_response() -> Callable[[httpx.Request], httpx.Response]:
    """Return a handler that has one response."""
    left = [httpx.Response(200, json=BODY)]
    return lambda request: left.pop()


def test_httpx_mock_transport() -> None:
    with httpx.Client(transport=httpx.MockTransport(one_response())) as client:
        assert ["a"] == [session.id for session in read("sync", SERVER, client={"http_client": client})]


def test_httpx_mock_transport_of_the_async_client() -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(one_response()))
    assert ["a"] == [session.id for session in read("async", SERVER, client={"http_client": client})]
    asyncio.run(client.aclose())


def test_respx(mode: ClientMode, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(URL).respond(json=BODY)
    assert (["a"], 1) == ([session.id for session in read(mode, SERVER)], route.call_count)


def test_pytest_httpx(mode: ClientMode, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=BODY)
    assert ["a"] == [session.id for session in read(mode, SERVER)]


@pytest.mark.parametrize("client", [Konvo, AsyncKonvo])
def test_autospec_knows_the_resources_and_their_parameters(client: type) -> None:
    konvo = create_autospec(client, instance=True)
    konvo.ai_sessions.list.return_value = [AISession(id="a")]
    assert ["a"] == [session.id for session in konvo.ai_sessions.list(messages=True, limit=5)]
    konvo.ai_sessions.list.assert_called_once_with(messages=True, limit=5)
    konvo.ai_sessions.scan(state=True)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        konvo.ai_sessions.list(states=True)
    with pytest.raises(AttributeError):
        _ = konvo.contact
    with pytest.raises(AttributeError):
        _ = konvo.ai_sessions.find
