"""`konvo_source`: a pipeline of its own, and the state that it resumes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from konvoai import AuthenticationError, KonvoError
from konvoai._warehouse.state import State
from konvoai.dlt import konvo_source
from konvoai.testing._server import mock_server
from tests.support.warehouse import query, store_of

pytestmark = pytest.mark.usefixtures("isolated_dlt")

KEY = "zebra-4711"
DAY = timedelta(days=1)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
STATES: dict[str, tuple[dict[str, Any], datetime | None, datetime | None]] = {
    "empty": ({}, None, None),
    "empty, with since": ({}, MARCH, MARCH),
    "all sessions": (
        {"since": None, "up_to": "2026-11-25T13:37:21.094000+00:00"},
        None,
        datetime(2026, 11, 24, 13, 37, 21, 94000, UTC),
    ),
    "since March": ({"since": "2026-03-01T00:00:00+00:00", "up_to": "2026-03-01T12:00:00+00:00"}, None, MARCH),
    "later since": (
        {"since": "2026-03-01T00:00:00+00:00", "up_to": "2026-03-09T00:00:00+00:00"},
        MARCH + 3 * DAY,
        MARCH + 7 * DAY,
    ),
    "earlier since": (
        {"since": "2026-03-01T00:00:00+00:00", "up_to": "2026-03-09T00:00:00+00:00"},
        MARCH - DAY,
        MARCH - DAY,
    ),
    "reset": ({"since": "2026-03-01T00:00:00+00:00", "up_to": None}, MARCH, MARCH),
}
"""A state as databases store it, `since`, and the time to read from."""


@pytest.mark.parametrize(("state", "since", "expected"), STATES.values(), ids=STATES)
def test_stored_states_resume(state: dict[str, Any], since: datetime | None, expected: datetime | None) -> None:
    assert expected == State(**state).resume_from(since, DAY)


def test_earlier_since_resets_the_state() -> None:
    state = State("2026-03-01T00:00:00+00:00", "2026-03-09T00:00:00+00:00")
    state.resume_from(MARCH - DAY, DAY)
    assert ("2026-02-28T00:00:00+00:00", None) == (state.since, state.up_to)


def test_source_runs_in_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, to = store_of(30), tmp_path / "own.duckdb"
    pipeline = dlt.pipeline(
        "own", pipelines_dir=str(tmp_path / "work"), destination=dlt.destinations.duckdb(str(to)), dataset_name="main"
    )
    with mock_server(store, key=KEY) as running:
        with pytest.raises(KonvoError, match="KONVO_API_KEY"):
            konvo_source()
        with pytest.raises(ValueError, match="lookback"):
            konvo_source(KEY, lookback=-DAY)
        monkeypatch.setenv("KONVO_API_KEY", KEY)
        monkeypatch.setenv("KONVO_BASE_URL", running.url)
        pipeline.run(konvo_source())
        store.edits["session-0000003"] = {"messages": [], "mood": "good"}
        store.touch("session-0000003")
        pipeline.run(konvo_source(lookback=timedelta(minutes=1)))
    assert store.requests[-1]["updated_at_min"] > (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert [(30, "good")] == query(to, "select count(*), max(rest->>'mood') from ai_sessions")
    joined = "from ai_sessions s join ai_sessions__messages m on m.ai_session_id = s.id"
    assert [(40,)] == query(to, f"select count(*) {joined}")
    assert "session-0000003" not in [name for (name,) in query(to, f"select s.id {joined}")]
    assert [] == [file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]


def test_failed_run_has_the_error_among_its_causes(tmp_path: Path) -> None:
    pipeline = dlt.pipeline(
        "own", pipelines_dir=str(tmp_path / "work"), destination=dlt.destinations.duckdb("o.duckdb")
    )
    with mock_server(store_of(1), key="another") as running, pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(konvo_source(KEY, base_url=running.url))
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, AuthenticationError):
        error = error.__cause__ or error.__context__
    assert error is not None
    assert KEY not in str(caught.value)
