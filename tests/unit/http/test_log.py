import logging
import re
from collections.abc import Iterator

import pytest

from konvoai import Konvo, KonvoError
from konvoai.testing._http_server import Reply, serving
from tests.support.both_clients import ClientMode, read
from tests.support.http_server import replies, sessions

BUSY = Reply({}, 503, {"Retry-After": "0.01"})
ONE, NONE = Reply({"count": 1, "result": sessions(1)}), Reply({"result": []})


@pytest.fixture(autouse=True)
def logger_as_it_was() -> Iterator[None]:
    logger = logging.getLogger("konvoai")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers = handlers


def test_requests_are_logged_at_debug_and_retries_at_info(mode: ClientMode, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="konvoai"), serving(replies(BUSY, ONE, NONE)) as server:
        read(mode, server.url, concurrency=1)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "konvoai"]
    patterns = [
        ("DEBUG", r"GET /ai-sessions: 503, attempt 1, \d+ ms, 2 bytes"),
        ("INFO", r"GET /ai-sessions: 503, next attempt \(2 of 5\) in 0\.0 s"),
        ("DEBUG", r"GET /ai-sessions: 200, attempt 2, \d+ ms, \d+ bytes"),
    ]
    assert [level for level, _ in lines[:3]] == [level for level, _ in patterns]
    assert all(re.fullmatch(pattern, line) for (_, line), (_, pattern) in zip(lines, patterns, strict=False)), lines


def test_nothing_is_logged_by_default(mode: ClientMode, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(replies(BUSY, ONE, NONE)) as server:
        read(mode, server.url)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("level", "levels"), [("debug", {"DEBUG", "INFO"}), ("INFO", {"INFO"})])
def test_the_environment_enables_the_log(
    level: str, levels: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KONVO_LOG", level)
    with serving(replies(BUSY, ONE, NONE)) as server:
        read("sync", server.url)
        read("async", server.url)
    lines = capsys.readouterr().err.splitlines()
    assert {line.split()[3] for line in lines} == levels
    assert len([line for line in lines if "503, next attempt" in line]) == 1


def test_an_unknown_level_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONVO_LOG", "loud")
    with pytest.raises(KonvoError, match=r"KONVO_LOG must be one of debug, info, not 'loud'"):
        Konvo("test-key")
