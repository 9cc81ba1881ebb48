"""Errors, warnings, UNSET and sessions survive pickle, copies and process pools."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import httpx
import pytest

from konvoai import UNSET, APIStatusError, ContractDriftWarning, Konvo, KonvoError, ResponseValidationError
from konvoai.testing._http_server import Reply, serving
from tests.support.http_server import replies

ODD = {
    "id": "s-1",
    "channel": "sms",
    "created_at": "2026-02-25T16:46:34Z",
    "sentiment": [None, 1],
    "status": {"completed": 1},
}
ERROR = {"error": 7, "message": "no"}
COPIES: list[Callable[[Any], Any]] = [
    *(lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol)) for protocol in range(2, 6)),
    copy.copy,
    copy.deepcopy,
]


@pytest.fixture(params=COPIES, ids=[*(f"pickle {protocol}" for protocol in range(2, 6)), "copy", "deepcopy"])
def copied(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return request.param


def failure(reply: Reply) -> KonvoError:
    with serving(replies(reply)) as server, Konvo("zebra", base_url=server.url, max_retries=0) as konvo:
        with pytest.raises(KonvoError) as caught:
            list(konvo.ai_sessions.list())
    return caught.value


def session() -> Any:
    with serving(replies(Reply({"result": [ODD]}))) as server:
        with Konvo("zebra", base_url=server.url, on_drift="ignore") as konvo:
            (found,) = konvo.ai_sessions.list()
    return found


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 529])
def test_a_status_error_survives(status: int, copied: Callable[[Any], Any]) -> None:
    error = failure(Reply(ERROR, status, {"Retry-After": "7"}))
    other = copied(error)
    assert isinstance(error, APIStatusError)
    assert (type(error), str(error), error.__dict__.keys()) == (type(other), str(other), other.__dict__.keys())
    assert (status, 7.0, "no", 0) == (other.status_code, other.retry_after, other.body.message, other.records_yielded)
    assert error.response.content == other.response.content


def test_other_errors_and_warnings_survive(copied: Callable[[Any], Any]) -> None:
    invalid = copied(failure(Reply({"nothing": 1})))
    assert (ResponseValidationError, "result", 200) == (type(invalid), invalid.json_path, invalid.status_code)
    warning = copied(ContractDriftWarning("AISession.channel", "unknown value"))
    assert ("AISession.channel", "unknown value") == (warning.field, warning.kind)
    assert "unknown value at AISession.channel" in str(warning)


def test_a_pickled_error_does_not_hold_the_key() -> None:
    assert b"zebra" not in pickle.dumps(failure(Reply(ERROR, 401)))


def test_unset_stays_one_object(copied: Callable[[Any], Any]) -> None:
    assert copied(UNSET) is UNSET
    assert copied(session()).state is UNSET


def test_a_session_with_an_unknown_enum_value_survives(copied: Callable[[Any], Any]) -> None:
    found = session()
    other = copied(found)
    assert (found, "sms", found.channel) == (other, other.channel, other.channel)
    assert found.to_dict() == other.to_dict()


def sessions_of(url: str) -> Any:
    with Konvo("zebra", base_url=url, on_drift="ignore", max_retries=0) as konvo:
        return list(konvo.ai_sessions.list())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_sessions_and_errors_cross_a_process_pool(method: str) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        with serving(replies(Reply({"count": 1, "result": [ODD]}))) as server:
            (found,) = pool.submit(sessions_of, server.url).result(60)
        assert ("sms", True) == (found.channel, found.state is UNSET)
        with serving(replies(Reply({"nothing": 1}))) as server:
            with pytest.raises(ResponseValidationError, match="at result"):
                pool.submit(sessions_of, server.url).result(60)
        with serving(replies(Reply(ERROR, 403))) as server:
            with pytest.raises(APIStatusError) as caught:
                pool.submit(sessions_of, server.url).result(60)
    assert isinstance(caught.value.response, httpx.Response)
