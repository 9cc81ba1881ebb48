"""The httpx client of konvoai's own, and one that the user passes."""

import httpx
import pytest

from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvoai import (
    APIStatusError,
    AsyncKonvo,
    Konvo,
    KonvoError,
    NotFoundError,
)
from tests.support.http_server import Reply, paged, replies, serving, sessions

ONE = Reply({"count": 1, "result": sessions(1)})

NONE = Reply({"count": 1, "result": []})


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
        with serving(
            replies(ONE, NONE, NONE, NONE, Reply(b"", status=302, headers={"Location": "/elsewhere"}))
        ) as server:
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
