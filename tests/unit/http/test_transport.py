"""Threads, event loops and forks that share a client."""

import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from konvoai import AsyncKonvo, Konvo, KonvoError
from konvoai.testing._server import mock_server
from konvoai.testing._store.store import Store
from tests.support.both_clients import KEY
from tests.support.program import LONG, program


def test_many_threads_share_a_client() -> None:
    store = Store.of(300)
    with mock_server(store) as server, Konvo(KEY, base_url=server.url) as konvo, ThreadPoolExecutor(8) as pool:
        readings = [pool.submit(list, konvo.ai_sessions.list(limit=20)) for _ in range(16)]
        assert [[session.id for session in reading.result()] for reading in readings] == [store.ids_in_order()] * 16


def test_a_second_event_loop_raises_an_error() -> None:
    with mock_server(Store.of(3)) as server:
        konvo = AsyncKonvo(KEY, base_url=server.url)

        async def count_and_close(close: bool) -> int | None:
            try:
                return await konvo.ai_sessions.list().count()
            finally:
                if close:
                    await konvo.aclose()

        async def close_after_another() -> None:
            assert await count_and_close(close=False) == 3
            with ThreadPoolExecutor() as pool, pytest.raises(KonvoError, match="another event loop"):
                pool.submit(asyncio.run, count_and_close(close=False)).result()
            await konvo.aclose()

        asyncio.run(close_after_another())


async def read_count(konvo: AsyncKonvo) -> int | None:
    return await konvo.ai_sessions.list().count()


def counts_in_one_loop(konvo: AsyncKonvo) -> None:
    assert asyncio.run(read_count(konvo)) == 3
    with pytest.raises(KonvoError, match="another event loop"):
        asyncio.run(read_count(konvo))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # asyncio warns of the connections of a closed loop
@pytest.mark.parametrize("own", [True, False])
def test_aclose_after_the_event_loop_is_closed_is_quiet(own: bool) -> None:
    http_client = None if own else httpx.AsyncClient()
    with mock_server(Store.of(3)) as server:
        konvo = AsyncKonvo(KEY, base_url=server.url, http_client=http_client)
        counts_in_one_loop(konvo)
        for _ in range(2):
            asyncio.run(konvo.aclose())
        with pytest.raises(KonvoError, match="another event loop"):
            asyncio.run(read_count(konvo))
    assert http_client is None or not http_client.is_closed
    del konvo, http_client
    gc.collect()


def test_aclose_in_a_second_event_loop_is_an_error() -> None:
    async def close_elsewhere() -> int | None:
        async with AsyncKonvo(KEY, base_url=server.url) as konvo:
            await konvo.ai_sessions.list().count()
            with ThreadPoolExecutor() as pool, pytest.raises(KonvoError, match=r"await aclose\(\) there"):
                pool.submit(asyncio.run, konvo.aclose()).result()
            return await konvo.ai_sessions.list().count()

    with mock_server(Store.of(3)) as server:
        assert asyncio.run(close_elsewhere()) == 3


LIMITS = ["10", "11", "12"]
"""The page size of the parent and of each of its two children, by which their requests differ."""

FORKED = """
import os, sys
from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvoai import Konvo

konvo = Konvo(max_retries=0)
print(konvo.ai_sessions.list().count())
for limit in (11, 12):
    child = os.fork()
    if not child:
        for _ in range(20):
            assert len(list(konvo.ai_sessions.list(limit=limit))) == 60
        assert konvo.api.get_httpx_client() is konvo._transport.http
        assert list_ai_sessions.sync_detailed(client=konvo.api, limit=limit).parsed.count == 60
        os._exit(0)
for _ in range(20):
    assert len(list(konvo.ai_sessions.list(limit=10))) == 60
sys.exit(any(os.wait()[1] for _ in range(2)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_opens_its_own_connections() -> None:
    with mock_server(Store.of(60)) as server, program(server.url, FORKED) as process:
        said = process.communicate(timeout=LONG)
    assert process.returncode == 0, said
    ports = [{request.port for request in server.requests if request.query["limit"] == limit} for limit in LIMITS]
    assert all(ports)
    assert len(set.union(*ports)) == sum(map(len, ports))


FORKED_USER_CLIENT = """
import os, sys
import httpx
from konvoai import Konvo, KonvoError

with httpx.Client() as http_client, Konvo(http_client=http_client) as konvo:
    count = konvo.ai_sessions.list().count()
    child = os.fork()
    if not child:
        for use in (konvo.ai_sessions.list().count, lambda: konvo.api):
            try:
                use()
                os._exit(1)
            except KonvoError as error:
                print(error, flush=True)
        assert repr(konvo).startswith("<Konvo http://127.0.0.1")
        konvo.close()
        os._exit(0)
    status = os.wait()[1]
    sys.exit(status or konvo.ai_sessions.list().count() != count)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_with_a_users_http_client_is_an_error() -> None:
    with mock_server(Store.of(60)) as server, program(server.url, FORKED_USER_CLIENT) as process:
        output, errors = process.communicate(timeout=LONG)
    assert process.returncode == 0, errors
    message = "http_client= belongs to the parent of this process: make a new httpx client and a new Konvo here"
    assert output.splitlines() == [message] * 2
    assert len({request.port for request in server.requests}) == 1
