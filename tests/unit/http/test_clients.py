"""The httpx client of konvoai's own, and one that the user passes."""

import gc
import gzip
import json
import ssl
from collections.abc import Callable
from urllib.request import getproxies

import httpx
import pytest

from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvoai import APIStatusError, AsyncKonvo, ConfigurationError, Konvo, KonvoError, NotFoundError
from konvoai._http import clients
from konvoai.testing._http_server import Reply, Request, serving
from tests.support import ROOT
from tests.support.both_clients import ClientMode, read
from tests.support.http_server import paged, replies, sessions

ONE = Reply({"count": 1, "result": sessions(1)})

NONE = Reply({"count": 1, "result": []})
CERTIFICATE = ROOT / "tests/support/self-signed.pem"


def test_no_redirect_is_followed_by_a_client_that_follows_them() -> None:
    with serving(paged(sessions(1))) as elsewhere, httpx.Client(follow_redirects=True) as own:
        moved = Reply(b"", status=302, headers={"Location": elsewhere.url})
        with serving(replies(moved)) as server, Konvo("test-key", base_url=server.url, http_client=own) as konvo:
            with pytest.raises(APIStatusError, match="redirects are not followed"):
                list(konvo.ai_sessions.list())
    assert elsewhere.requests == []


def test_a_closed_client_raises_an_error() -> None:
    konvo = Konvo("test-key")
    konvo.close()
    with pytest.raises(KonvoError, match="closed"):
        list(konvo.ai_sessions.list())


def test_the_users_client_keeps_its_headers_hooks_and_stays_open() -> None:
    seen = []
    with httpx.Client(headers={"X-Store": "7"}, event_hooks={"response": [seen.append]}) as own:
        with serving(replies(ONE, NONE)) as server:
            with Konvo("test-key", base_url=server.url, http_client=own) as konvo:
                assert len(list(konvo.ai_sessions.list())) == 1
                assert list_ai_sessions.sync_detailed(client=konvo.api).status_code == 200
        assert not own.is_closed
    sent = {(request.headers["x-store"], request.headers["x-api-key"]) for request in server.requests}
    assert sent == {("7", "test-key")}
    assert len(seen) == len(server.requests)
    assert "x-api-key" not in own.headers


@pytest.mark.anyio
async def test_the_users_async_client_stays_open_without_redirects() -> None:
    async with httpx.AsyncClient(headers={"X-Store": "7"}, follow_redirects=True) as own:
        with serving(replies(ONE, NONE, Reply(b"", status=302, headers={"Location": "/elsewhere"}))) as server:
            async with AsyncKonvo("test-key", base_url=server.url, http_client=own) as konvo:
                assert len([session async for session in konvo.ai_sessions.list()]) == 1
                assert (await list_ai_sessions.asyncio_detailed(client=konvo.api)).status_code == 200
                with pytest.raises(APIStatusError, match="redirects are not followed"):
                    await konvo.ai_sessions.list().count()
        assert not own.is_closed
    assert {request.headers["x-store"] for request in server.requests} == {"7"}


def test_a_hook_that_raises_for_a_status_still_gives_our_error() -> None:
    def strict(response: httpx.Response) -> None:
        response.raise_for_status()

    with httpx.Client(event_hooks={"response": [strict]}) as own, serving(replies(Reply({}, status=404))) as server:
        with Konvo("test-key", base_url=server.url, http_client=own) as konvo, pytest.raises(NotFoundError):
            list(konvo.ai_sessions.list())


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_hook_may_read_the_response(encoding: str) -> None:
    def log(response: httpx.Response) -> None:
        read.append(response.read())

    read: list[bytes] = []
    content = json.dumps({"count": 1, "result": sessions(1)}).encode()
    packed = gzip.compress(content) if encoding == "gzip" else content
    reply = Reply(packed, headers={"Content-Encoding": encoding})
    with httpx.Client(event_hooks={"response": [log]}) as own, serving(replies(reply)) as server:
        with Konvo("test-key", base_url=server.url, http_client=own) as konvo:
            gc.collect()
            before = sum(isinstance(found, httpx.Response) for found in gc.get_objects())
            gc.disable()
            try:
                assert [session.to_dict() for session in konvo.ai_sessions.list()] == sessions(1)
                assert sum(isinstance(found, httpx.Response) for found in gc.get_objects()) == before
            finally:
                gc.enable()
    assert set(read) == {content}


def test_the_generated_client_has_our_time_limit() -> None:
    with Konvo("test-key", timeout=7.0) as konvo:
        assert konvo.api.get_httpx_client().timeout == httpx.Timeout(7.0, connect=5.0)


def test_stop_iteration_of_a_hook_is_not_the_end_of_a_request() -> None:
    def hook(request: httpx.Request) -> None:
        raise StopIteration("of the hook")

    with httpx.Client(event_hooks={"request": [hook]}) as own, serving(replies(ONE)) as server:
        with Konvo("test-key", base_url=server.url, http_client=own) as konvo:
            with pytest.raises(StopIteration, match="of the hook"):
                konvo.ai_sessions.list().count()
    assert server.requests == []


@pytest.mark.parametrize("kind", [Konvo, AsyncKonvo])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NO_PROXY", "localhost,[::1]"),
        ("NO_PROXY", "fd00::/8"),
        ("NO_PROXY", "zebra ü"),
        ("ALL_PROXY", "socks5://user:zebra@proxy.example:1080"),
        ("all_proxy", "socks4://user:zebra@proxy.example:1080"),
        ("HTTP_PROXY", "http://user:zebra@[::1"),
        ("HTTPS_PROXY", "http://user:zebra@proxy.example:99999"),
        ("HTTPS_PROXY", "http://"),
        ("https_proxy", "zebra://proxy.example"),
        ("SSL_CERT_FILE", "/zebra/missing.pem"),
        ("SSL_CERT_FILE", __file__),
        ("SSL_CERT_DIR", "/zebra/missing"),
        ("SSL_CERT_DIR", __file__),
        ("SSLKEYLOGFILE", "/zebra/missing"),
    ],
)
def test_an_unusable_variable_of_httpx_is_named(
    kind: Callable[[str], object], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.tls_context.cache_clear()
    if variable == "SSL_CERT_DIR":
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"^{variable.upper()} of the environment cannot be used") as caught:
        kind("test-key")
    assert "zebra" not in str(caught.value)
    assert ('pip install "httpx[socks]"' in str(caught.value)) == value.startswith("socks5")


@pytest.mark.parametrize(
    "variables",
    [
        {"HTTPS_PROXY": "proxy.example:3128", "NO_PROXY": "::1,.example,10.0.0.0/8,localhost"},
        {"ALL_PROXY": "socks5://proxy.example", "NO_PROXY": "localhost, *"},
    ],
)
def test_usable_proxy_variables_are_accepted(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    Konvo("test-key").close()


def test_a_loopback_server_needs_no_proxy_of_the_environment(mode: ClientMode, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replies(ONE)) as server, serving(replies(ONE)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert getproxies()["http"] == proxy.url
        assert len(read(mode, server.url)) == 1
        url = server.url.replace("127.0.0.1", "localhost")
        assert len(read(mode, url)) == 1
    assert proxy.requests == []


def test_another_server_is_reached_through_the_proxy(mode: ClientMode, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replies(ONE)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert len(read(mode, "http://konvo.example", client={"allow_http": True})) == 1
    assert {request.headers["host"] for request in proxy.requests} == {"konvo.example"}


COOKIE = Reply({"result": sessions(1)}, headers={"Set-Cookie": "city=M\u00fcnchen; Path=/"})


def test_our_own_client_keeps_no_cookies(mode: ClientMode) -> None:
    with serving(replies(COOKIE)) as server:
        for _ in range(2):
            assert len(read(mode, server.url, concurrency=1)) == 1
    assert len(server.requests) > 2
    assert not any("cookie" in request.headers for request in server.requests)


def test_the_users_client_keeps_its_cookies() -> None:
    reply = Reply(ONE.body, headers={"Set-Cookie": "kept=1; Path=/"})
    with serving(replies(reply)) as server, httpx.Client() as own:
        with Konvo("test-key", base_url=server.url, http_client=own) as konvo:
            for _ in range(2):
                konvo.ai_sessions.list().count()
    assert [request.headers.get("cookie") for request in server.requests] == [None, "kept=1"]


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    clients.tls_context.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.mark.parametrize("size", [1, 16_000, 16_384, 70_000, 1_000_000])
def test_pages_of_any_size_arrive_whole_by_tls(mode: ClientMode, size: int, tls: ssl.SSLContext) -> None:
    records = [{"id": f"{number}", "external_user_id": "x" * size} for number in range(12)]
    with serving(paged(records), tls) as server:
        found = read(mode, server.url, limit=3, concurrency=2)
    assert [session.to_dict() for session in found] == records


def test_a_page_cut_short_by_tls_is_read_again(mode: ClientMode, tls: ssl.SSLContext) -> None:
    records = [{"id": f"{number}", "external_user_id": "x" * 60_000} for number in range(9)]
    whole, requests = paged(records), []

    def respond(request: Request) -> Reply:
        requests.append(request)
        reply = whole(request)
        return Reply(reply.body, declared=9_999_999) if len(requests) % 2 else reply

    with serving(respond, tls) as server:
        assert len(read(mode, server.url, limit=3, concurrency=1)) == 9
    assert len({request.port for request in requests}) > 1


def test_plain_http_loads_no_certificates(mode: ClientMode, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.tls_context.cache_clear()
    with serving(replies(ONE)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", "/missing")
        assert len(read(mode, server.url)) == 1
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            read(mode, server.url.replace("http", "https"))
