"""Neither output, log nor error shows the key or the values of a query."""

import logging
import socket
import ssl
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from _pytest._io.saferepr import saferepr

from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvoai import APIConnectionError, AsyncKonvo, Konvo, KonvoError
from konvoai.testing._http_server import Reply, serving
from konvoai.testing._server import mock_server
from konvoai.testing._store.store import Store
from tests.support import ROOT
from tests.support.both_clients import ClientMode, read
from tests.support.http_server import replies, talking

KEY = "zebra-4711"
CERTIFICATE = ROOT / "tests/support/self-signed.pem"
SINCE = datetime(2019, 7, 13, 11, 12, 13, tzinfo=UTC)

RESPONSES: dict[str, Reply] = {
    "page": Reply({"count": 1, "result": [{"id": "one", "odd": None}]}),
    "refused": Reply({"error": 401, "message": "who are you?"}, 401),
    "busy": Reply({}, 429, {"Retry-After": "0.01"}),
    "moved": Reply(b"", 302, {"Location": "/elsewhere"}),
    "not JSON": Reply(b"<html>"),
    "cut": Reply(b"{", declared=9),
}


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    with ExitStack() as levels:
        for name in ("", "konvoai", "httpx", "httpcore", "asyncio"):
            levels.enter_context(caplog.at_level(logging.DEBUG, logger=name))
        yield lambda: "\n".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records)


def shown(*things: object) -> str:
    return "\n".join(f"{thing!r} {thing} {getattr(thing, '__dict__', '')!r}" for thing in things)


def traceback_text(error: BaseException) -> str:
    """Return a traceback with the variables of each frame, except those of tests, as some tools show it."""
    text = "".join(traceback.format_exception(error))
    while True:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                text += "".join(f"{name} = {saferepr(value, 10**6)}\n" for name, value in frame.f_locals.items())
        if not (error.__cause__ or error.__context__):
            return text
        error = error.__cause__ or error.__context__  # type: ignore[assignment]


def failure(mode: ClientMode, url: str) -> KonvoError:
    """Return the error of a list; the test's own variables do not hold the key."""
    with pytest.raises(KonvoError) as caught:
        read(mode, url, client={"api_key": None, "max_retries": 1, "timeout": 0.5}, updated_at_min=SINCE)
    return caught.value


@pytest.fixture(autouse=True)
def key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONVO_API_KEY", KEY)


@pytest.mark.parametrize("name", [name for name in RESPONSES if name != "page"])
def test_no_error_shows_the_key(mode: ClientMode, name: str, everything_logged: Callable[[], str]) -> None:
    with serving(replies(RESPONSES[name])) as server:
        error = failure(mode, server.url)
    assert server.requests[0].headers["x-api-key"] == KEY
    assert KEY not in shown(error, error.__cause__, getattr(error, "response", None)) + traceback_text(error)
    assert KEY not in everything_logged()


def test_no_connection_error_shows_the_key(mode: ClientMode, everything_logged: Callable[[], str]) -> None:
    with socket.socket() as unbound_server:
        unbound_server.bind(("127.0.0.1", 0))
        refused = failure(mode, f"http://127.0.0.1:{unbound_server.getsockname()[1]}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        late = failure(mode, f"http://127.0.0.1:{silent.getsockname()[1]}")
    with talking(lambda connection: connection.sendall(b"not HTTP\r\n\r\n")) as url:
        garbled = failure(mode, url)
    for error in (refused, late, garbled):
        assert KEY not in shown(error, error.__cause__) + traceback_text(error)
        assert error.__cause__ is not None
        assert error.__cause__.__traceback__ is None  # its frames hold the request as it is sent
    assert KEY not in everything_logged()


@pytest.mark.parametrize("kind", [Konvo, AsyncKonvo])
def test_no_client_shows_the_key(kind: type[Konvo] | type[AsyncKonvo]) -> None:
    konvo = kind()
    inside = [value for holder in (konvo, konvo._transport, konvo.api) for value in attributes(holder)]
    assert KEY not in shown(konvo, konvo.api, konvo.ai_sessions, konvo.ai_sessions.list(), *inside)
    assert konvo.api.token == KEY


def attributes(holder: object) -> list[object]:
    names = [*getattr(holder, "__dict__", ()), *getattr(type(holder), "__slots__", ())]
    return [getattr(holder, name) for name in names if hasattr(holder, name)]


def test_no_page_warning_or_generated_request_shows_the_key(everything_logged: Callable[[], str]) -> None:
    with (
        serving(replies(RESPONSES["page"])) as server,
        Konvo(base_url=server.url) as konvo,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        page = next(konvo.ai_sessions.list().pages())
        by_hand = list_ai_sessions.sync_detailed(client=konvo.api)
    assert caught
    assert KEY not in shown(page, by_hand, *(warning.message for warning in caught))
    assert KEY not in everything_logged()


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}ü"])
def test_an_invalid_key_is_not_in_its_error(key: str) -> None:
    for make in (lambda: Konvo(key), lambda: AsyncKonvo(key)):
        with pytest.raises(KonvoError, match="KONVO_API_KEY") as caught:
            make()
        assert KEY not in traceback_text(caught.value)


def test_the_key_goes_to_no_other_host(mode: ClientMode) -> None:
    with serving(replies(RESPONSES["page"])) as elsewhere:
        with serving(replies(Reply(b"", 307, {"Location": f"{elsewhere.url}/ai-sessions"}))) as server:
            failure(mode, server.url)
    assert elsewhere.requests == []


def test_certificates_are_verified(mode: ClientMode, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving(replies(Reply({"count": 1, "result": [{"id": "one"}]}), Reply({"result": []})), tls=context) as server:
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            read(mode, server.url)
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert [session.id for session in read(mode, server.url)] == ["one"]


def test_values_of_queries_are_not_logged_at_info(mode: ClientMode, caplog: pytest.LogCaptureFixture) -> None:
    fault = [Reply({}, 503, {"Retry-After": "0.01"}), None]
    with (
        caplog.at_level(logging.INFO),
        mock_server(Store.of(3), fault=lambda request: fault.pop(0) if fault else None) as s,
    ):
        assert len(read(mode, s.url, client={"api_key": None}, updated_at_min=SINCE)) == 3
    lines = [record.getMessage() for record in caplog.records]
    assert any("503, next attempt (2 of 5) in 0.0 s" in line for line in lines)
    assert [line for line in lines if "2019-07-13" in line] == []


@pytest.mark.parametrize("name", [name for name in RESPONSES if name != "page"])
def test_no_error_or_its_response_shows_values_of_the_query(mode: ClientMode, name: str) -> None:
    with serving(replies(RESPONSES[name])) as server:
        error = failure(mode, server.url)
    response = getattr(error, "response", None)
    assert (
        "2019-07-13"
        not in f"{error!r} {error} {error.__cause__!r} {error.__cause__} {response} {response and response.url}"
    )
    assert error.window == (SINCE, error.window[1])
