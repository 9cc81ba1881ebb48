"""What a new user types first: help, completion, reprs, and sessions as mappings."""

import asyncio
import json
import pickle
import pydoc
import re
import subprocess
import sys
import warnings

import pytest

import konvoai
from konvoai import AISession, AsyncKonvo, ContractDriftWarning, Konvo, Page
from konvoai.testing import MockKonvo, make_session


@pytest.fixture
def session() -> AISession:
    made = make_session(id="a<b", channel="email", created_at="2026-03-01T12:00:00.000Z", sentiment="glad")
    return AISession.from_dict({**made, "messages": make_session()["messages"][:1]})


def test_the_package_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "konvoai", "--version"], capture_output=True, text=True, timeout=30)
    assert (0, f"konvo {konvoai.__version__}\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_session_is_a_mapping_of_what_the_server_sent(session: AISession) -> None:
    assert "a<b" == session["id"]
    assert "glad" == session["sentiment"]
    assert (None, 3) == (session.get("missing"), session.get("missing", 3))
    assert ("id" in session, "missing" in session) == (True, False)
    assert session.to_dict() == dict(session)
    assert dict(session) == json.loads(json.dumps(dict(session)))
    with pytest.raises(KeyError, match="missing"):
        session["missing"]


def test_a_new_key_is_kept_with_the_unknown_fields(session: AISession) -> None:
    session["mood"] = "good"
    assert ("good", "good") == (session["mood"], session.additional_properties["mood"])
    del session["mood"]
    assert "mood" not in session


def test_a_session_has_a_short_repr_without_texts(session: AISession) -> None:
    shown = "AISession(id='a<b', channel='email', created_at=2026-03-01T12:00:00+00:00, messages=[1])"
    assert shown == repr(session) == repr(pickle.loads(pickle.dumps(session)))
    table = session._repr_html_()
    assert "<th>id</th><td>&#x27;a&lt;b&#x27;</td>" in table
    assert session["messages"][0]["message"] not in repr(session) + table


def test_a_page_and_a_window_have_a_short_repr() -> None:
    with MockKonvo(sessions=30) as mock, mock.client() as konvo:
        (page,) = konvo.ai_sessions.list().pages()
        window = next(konvo.ai_sessions.scan().windows())
    assert "<Page 0: 30 items of 30>" == repr(page)
    assert "<Page 1: 2 items>" == repr(Page(1, [1, 2], None))
    assert repr(window).startswith("<Window ")
    assert 10 == page._repr_html_().count("<li>AISession(id=")


@pytest.mark.parametrize("sessions", [0, 3])
def test_the_first_record_of_a_list(sessions: int) -> None:
    async def first_async(mock: MockKonvo) -> AISession | None:
        async with mock.async_client() as konvo:
            return await konvo.ai_sessions.list(limit=1).first()

    with MockKonvo(sessions=sessions) as mock, mock.client() as konvo:
        expected = next(iter(konvo.ai_sessions.list()), None)
        assert expected == konvo.ai_sessions.list().first() == konvo.ai_sessions.list(limit=1).first()
        assert expected == asyncio.run(first_async(mock))


def test_a_drift_warning_points_at_the_line_of_the_user() -> None:
    with MockKonvo() as mock, mock.client() as konvo:
        mock.add(sentiment="glad")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            list(konvo.ai_sessions.list())
            list(konvo.ai_sessions.scan(state=True))
    assert [(ContractDriftWarning, __file__)] == [(warning.category, warning.filename) for warning in caught]


def offered(value: object) -> set[str]:
    """The names that IPython and notebooks offer at the tabulator key."""
    return {name for name in dir(value) if not name.startswith("_")}


def test_completion_offers_public_names_alone() -> None:
    with MockKonvo() as mock, mock.client() as konvo:
        assert {"ai_sessions", "api", "close"} == offered(konvo)
        assert {"list", "scan"} == offered(konvo.ai_sessions) & {
            "list",
            "scan",
            "build",
            "envelope",
            "command",
            "flags",
        }
        assert {"count", "first", "pages"} <= offered(konvo.ai_sessions.list())
    for module in (konvoai.errors, konvoai.models, konvoai):
        assert set(module.__all__) >= offered(module)


@pytest.mark.parametrize(
    ("client", "results"), [(Konvo, ("Paginator", "Scan")), (AsyncKonvo, ("AsyncPaginator", "AsyncScan"))]
)
def test_help_shows_what_a_list_and_a_scan_return(client: type, results: tuple[str, str]) -> None:
    sessions = client("key").ai_sessions
    helps = [pydoc.plain(pydoc.render_doc(method)) for method in (sessions.list, sessions.scan)]
    assert list(results) == [
        re.findall(r"^(?:list|scan)\(.*-> (?:\w+\.)*(\w+)", text, re.M | re.S)[0] for text in helps
    ]
    assert all("updated_at_min: Only sessions updated after" in text for text in helps)
