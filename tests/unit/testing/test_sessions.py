"""`make_session` and `make_sessions`: every field of the API document, drawn from the models."""

from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from konvoai import UNSET, AISession, AISessionChannel, AISessionMessageItem, Unset
from konvoai.testing import make_session, make_sessions
from konvoai.testing._store.drawing import Draft, draw
from tests.support import api_document

TIME = datetime(2026, 2, 1, 8, tzinfo=UTC)
DOCUMENT = api_document.strict()
VALIDATOR = validator_for({"$ref": "#/components/schemas/AISession", "components": DOCUMENT["components"]})
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("session", [make_session(), *make_sessions(40)])
def test_a_session_has_every_field_and_conforms(session: dict[str, Any]) -> None:
    # The strict document requires every field; the items of `trail` are free-form objects.
    assert [] == [error.message for error in VALIDATOR.iter_errors(session)]


@pytest.mark.parametrize("session", make_sessions(5))
def test_a_session_equals_its_model(session: dict[str, Any]) -> None:
    decoded = AISession.from_dict(session)
    assert {} == decoded.additional_properties
    assert str(UUID(decoded.id)) == decoded.id


@given(st.integers(0, 9), st.integers())
def test_equal_seeds_make_equal_sessions(number: int, seed: int) -> None:
    assert make_sessions(number, seed) == make_sessions(number, seed)
    assert number == len({session["id"] for session in make_sessions(number, seed)})


def test_another_seed_makes_other_sessions() -> None:
    assert make_sessions(3) != make_sessions(3, seed=1)


def test_sessions_differ_in_what_matters() -> None:
    sessions = make_sessions(200)
    assert 4 == len({session["channel"] for session in sessions})
    assert {True, False} == {session["status"]["unresolved"] for session in sessions}
    assert len({session["state"]["type"] for session in sessions}) >= 4
    assert len({len(session["messages"]) for session in sessions}) >= 4
    assert {session["id"] for session in sessions} == {session["status"]["session_id"] for session in sessions}


def test_times_are_in_the_order_of_events() -> None:
    for session in make_sessions(100):
        status = session["status"]
        times = [session["created_at"], *(message["created_at"] for message in session["messages"])]
        times += [status["last_message_date"], status["completed_at"], status["last_updated"]]
        assert sorted(times) == times
        assert {"RECIPIENT"} == {message["initiator_origin"] for message in session["messages"][::2]}


def test_two_sessions_have_two_ids() -> None:
    assert make_session()["id"] != make_session()["id"]


@given(st.dictionaries(st.sampled_from(["channel", "workspace_id", "contact_id"]), json_values))
def test_a_given_field_comes_as_it_is(fields: dict[str, Any]) -> None:
    session = make_session(**fields)
    assert fields == {name: session[name] for name in fields}


@given(json_values)
def test_a_field_that_the_document_lacks_is_added(value: Any) -> None:
    assert value == make_session(sentiment=value)["sentiment"]


def test_the_id_is_that_of_the_parts_too() -> None:
    session = make_session(id="a")
    parts = [session["status"], session["state"], *session["messages"]]
    assert {"a"} == {session["id"], *(part["session_id"] for part in parts)}


def test_an_object_is_completed() -> None:
    status = make_session(status={"unresolved": True, "mood": 3})["status"]
    assert (True, 3, True) == (status["unresolved"], status["mood"], status["completed"])


def test_each_object_of_a_list_is_completed() -> None:
    messages = make_session(messages=[{"message": f"text {index}"} for index in range(9)])["messages"]
    assert [f"text {index}" for index in range(9)] == [message["message"] for message in messages]
    assert 9 == len({message["message_id"] for message in messages})


@pytest.mark.parametrize("messages", [[], None, "none", [None, 5]])
def test_a_list_may_be_empty_or_odd(messages: Any) -> None:
    assert messages == make_session(messages=messages)["messages"]


def test_a_field_of_one_part_may_stand_for_itself() -> None:
    session = make_session(unresolved=True, type="RETURN")
    assert (True, "RETURN") == (session["status"]["unresolved"], session["state"]["type"])
    assert set(make_session()) == set(session)


@pytest.mark.parametrize("names", [("unresolved", "status"), ("status", "unresolved")])
def test_a_field_may_stand_next_to_its_object(names: tuple[str, str]) -> None:
    given = {"unresolved": True, "status": {"mood": 3}}
    status = make_session(**{name: given[name] for name in names})["status"]
    assert (True, 3, True) == (status["unresolved"], status["mood"], status["completed"])


def test_an_object_that_is_null_stays_null() -> None:
    assert make_session(status=None, unresolved=True)["status"] is None


def test_a_field_that_two_parts_have_is_added_to_the_session() -> None:
    assert "x" == make_session(session_id="x")["session_id"]


def test_unset_leaves_a_field_out() -> None:
    session = make_session(channel=UNSET, completed_at=UNSET)
    assert {"channel"} == set(make_session()) - set(session)
    assert "completed_at" not in session["status"]


def test_datetimes_enums_and_models_are_spelled_as_json() -> None:
    zone = timezone(timedelta(hours=2))
    session = make_session(
        created_at=TIME.astimezone(zone), channel=AISessionChannel.EMAIL, messages=[AISessionMessageItem(message="Hi")]
    )
    found = session["created_at"], session["channel"], session["messages"][0]["message"]
    assert ("2026-02-01T08:00:00.000Z", "email", "Hi") == found


def test_without_a_time_it_was_created_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    session = AISession.from_dict(make_session())
    assert before <= session.created_at <= datetime.now(UTC)
    assert session.status
    assert session.created_at == session.status.last_updated


def test_the_other_times_follow_but_are_not_in_the_future() -> None:
    old, new = (AISession.from_dict(make_session(created_at=time)) for time in (TIME, datetime.now(UTC)))
    assert old.status
    assert new.status
    assert TIME < old.status.last_updated <= TIME + timedelta(hours=1)
    assert new.status.last_updated <= datetime.now(UTC)


class Mood(StrEnum):
    GLAD = "glad"


@attrs.define
class Grown(AISession):
    """A session with fields that the API document does not have yet."""

    rating: int | Unset = UNSET
    score: float | Unset | None = UNSET
    escalated: bool | Unset = UNSET
    agent_id: str | Unset = UNSET
    note: str | Unset = UNSET
    due: date | Unset = UNSET
    seen_at: datetime | Unset = UNSET
    mood: Mood | Unset = UNSET
    tags: list[str] | Unset = UNSET
    key: UUID | Unset = UNSET
    parent: "Grown | Unset" = UNSET
    children: "list[Grown] | Unset" = UNSET
    completed: str | Unset = UNSET
    """Of another type than the field of this name that the API document has elsewhere."""


Grown.__annotations__ |= {"parent": Grown | Unset, "children": list[Grown] | Unset}


def test_a_new_field_appears_by_itself() -> None:
    session = draw(Grown, Draft("seed", TIME, None, None))
    kinds = {
        "rating": int,
        "score": float,
        "escalated": bool,
        "agent_id": str,
        "note": str,
        "due": date,
        "mood": Mood,
        "key": UUID,
        "parent": Grown,
        "completed": str,
    }
    assert kinds == {name: type(getattr(session, name)) for name in kinds}
    assert isinstance(session.seen_at, datetime)
    assert all(isinstance(tag, str) for tag in session.tags)
    assert all(isinstance(child, Grown) for child in session.children)
