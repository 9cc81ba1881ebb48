import copy
import json
import warnings
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import partial
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konvoai import (
    UNSET,
    AISession,
    AISessionChannel,
    AISessionResponse,
    ContractDriftWarning,
    Konvo,
    ResponseValidationError,
)
from konvoai._client import page_response
from konvoai._decoding.drift import Drift
from konvoai._decoding.page import decode_page, page_decoder
from konvoai._settings import OnDrift
from konvoai.testing._http_server import Reply, serving
from tests.support import api_document
from tests.support.both_clients import ClientMode, read
from tests.support.http_server import replies
from tests.support.strategies import any_json, conforming, locations

PAGE = {"$ref": "#/components/schemas/AISessionResponse"}
RECORD = {"$ref": "#/components/schemas/AISession"}
SESSION = {
    "id": "session-1",
    "channel": "whatsapp",
    "created_at": "2026-02-25T16:46:34.206Z",
    "status": {"completed": True, "completed_at": "2026-02-25T16:50:00.000Z"},
    "messages": [{"message": "Hi", "initiator_origin": "RECIPIENT"}],
}
FEWER = settings(max_examples=settings().max_examples // 4)  # each is a page, drawn field by field
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def decode(body: Any, on_drift: OnDrift = "ignore") -> list[AISession]:
    page_decoder.cache_clear()  # forget what other tests have taught
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx.Response(200, content=content, request=httpx.Request("GET", "https://konvo.example/x?secret=1"))
    return page_response(partial(decode_page, AISessionResponse), response, Drift(on_drift)).items


def decode_one(**fields: Any) -> AISession:
    (session,) = decode({"result": [fields]})
    return session


def exact(value: Any) -> str:
    """JSON to the letter, but for times, which compare as instants."""

    def instants(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: instants(child) for name, child in value.items()}
        if isinstance(value, list):
            return [instants(child) for child in value]
        try:
            parsed = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return value
        return value if parsed.tzinfo is None else parsed.astimezone(UTC).isoformat()

    return json.dumps(instants(value), sort_keys=True)


def misfits(value: Any, said: api_document.Schema) -> list[str]:
    """The attributes of a model, however deep, that hold what the document does not promise."""
    schema = api_document.resolve(said)
    if value is UNSET:
        return []
    if attrs.has(type(value)):
        fields = api_document.properties(schema).items()
        return [found for name, field in fields for found in misfits(getattr(value, ATTRIBUTES.get(name, name)), field)]
    if schema.get("type") == "array":
        return (
            [found for item in value for found in misfits(item, schema["items"])] if type(value) is list else ["list"]
        )
    if "enum" in schema:
        fits = isinstance(value, Enum) and isinstance(value.value, str)
    elif schema.get("format") == "date-time":
        fits = isinstance(value, datetime) and value.tzinfo is not None
    else:
        fits = isinstance(value, TYPES[schema["type"]]) and isinstance(value, bool) == (schema["type"] == "boolean")
    return [] if fits else [repr(value)]


ATTRIBUTES = {"type": "type_"}


@pytest.mark.drawn
@FEWER
@given(conforming(PAGE))
def test_conforming_pages_decode_as_from_dict_does(page: dict[str, Any]) -> None:
    page.setdefault("result", [])
    assert decode(page) == AISessionResponse.from_dict(copy.deepcopy(page)).result


@pytest.mark.drawn
@FEWER
@given(records=st.lists(conforming(RECORD), min_size=1, max_size=3), put=any_json, data=st.data())
def test_no_value_inside_a_record_is_lost(records: list[Any], put: Any, data: st.DataObject) -> None:
    inside = [place for record in records for place in locations(record)]
    for holder, name in data.draw(st.lists(st.sampled_from(inside), max_size=2) if inside else st.just([])):
        holder[name] = put
    sessions = decode({"result": records})
    assert [exact(session.to_dict()) for session in sessions] == [exact(record) for record in records]
    assert [found for session in sessions for found in misfits(session, RECORD)] == []


@pytest.mark.drawn
@FEWER
@given(conforming(RECORD, extra=False))
def test_a_conforming_record_reports_no_drift(record: dict[str, Any]) -> None:
    decode({"count": 1, "result": [record]}, on_drift="raise")


def test_an_unknown_enum_value_is_a_member_equal_to_its_text() -> None:
    channel = decode_one(channel="telegram").channel
    assert isinstance(channel, AISessionChannel)
    assert (channel, channel.value, channel.name, str(channel), f"{channel}") == ("telegram",) * 5
    assert hash(channel) == hash("telegram")
    assert channel == decode_one(channel="telegram").channel
    assert channel not in list(AISessionChannel)


@pytest.mark.parametrize("odd", [None, 5, True, ["whatsapp"], {"a": 1}, 1.5])
@pytest.mark.parametrize("field", ["id", "channel", "created_at", "status", "state", "messages"])
def test_a_value_of_another_type_is_kept_under_its_json_name(field: str, odd: Any) -> None:
    if (field, type(odd)) in [("status", dict), ("state", dict)]:
        odd = [odd]
    session = decode_one(**{"workspace_id": "w", field: odd})
    assert getattr(session, field) is UNSET
    assert session[field] == odd
    assert session.workspace_id == "w"


def test_a_list_with_a_mismatched_item_is_kept_raw() -> None:
    messages = [{"message": "Hi", "new": 1}, "odd", {"message": "Ho"}]
    session = decode_one(id="a", messages=messages)
    assert (session.messages, session["messages"], session.id) == (UNSET, messages, "a")


def test_a_mismatched_record_does_not_cost_the_others() -> None:
    sessions = decode({"result": [SESSION, {"id": 5, "status": "?", "messages": None}, SESSION]})
    assert [session.id for session in sessions] == ["session-1", UNSET, "session-1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-25T16:46:34Z", datetime(2026, 2, 25, 16, 46, 34, tzinfo=UTC)),
        ("2026-02-25t16:46:34z", datetime(2026, 2, 25, 16, 46, 34, tzinfo=UTC)),
        ("2026-02-25 16:46:34Z", datetime(2026, 2, 25, 16, 46, 34, tzinfo=UTC)),
        ("2026-02-25T16:46:34.2Z", datetime(2026, 2, 25, 16, 46, 34, 200_000, tzinfo=UTC)),
        ("2026-02-25T16:46:34.123456789Z", datetime(2026, 2, 25, 16, 46, 34, 123_456, tzinfo=UTC)),
        ("2026-02-25T16:46:34-00:00", datetime(2026, 2, 25, 16, 46, 34, tzinfo=UTC)),
        ("2026-02-25T16:46:34+05:30", datetime(2026, 2, 25, 16, 46, 34, tzinfo=timezone(timedelta(hours=5.5)))),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T18:59:60.5-05:00", datetime(2017, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_every_rfc_3339_spelling_becomes_an_aware_datetime(text: str, expected: datetime) -> None:
    created_at = decode_one(created_at=text).created_at
    assert created_at == expected
    assert created_at
    assert created_at.utcoffset() == expected.utcoffset() or text.endswith("-05:00")


@pytest.mark.parametrize(
    "text",
    ["2026-02-25T16:46:34", "2026-02-25", "yesterday", "", "2026-13-25T16:46:34Z", "9999-12-31T23:59:60Z", ":60"],
)
def test_an_invalid_time_is_kept_raw(text: str) -> None:
    session = decode_one(created_at=text)
    assert (session.created_at, session["created_at"]) == (UNSET, text)


def test_lone_surrogates_byte_order_marks_and_large_integers() -> None:
    body = b'\xef\xbb\xbf{"result":[{"id":"\\ud83d","n":123456789012345678901234567890,"f":1e400}]}'
    (session,) = decode(body)
    assert (session.id, session["n"]) == ("\ud83d", 123456789012345678901234567890)
    (session,) = decode(b'{"result":[{"n":123456789012345678901234567890}]}')
    assert session["n"] == 123456789012345678901234567890


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"5", b'{"result":null}', b'{"result":{}}', b"{}", b"\xff", b'{"result":[NaN]}']
)
def test_a_body_without_a_list_is_an_error_without_content(body: bytes) -> None:
    with pytest.raises(ResponseValidationError) as caught:
        decode(body)
    assert caught.value.status_code == 200
    assert caught.value.url == "https://konvo.example/x"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("record", [None, 5, "zebra", ["zebra"], True])
def test_a_record_that_is_not_an_object_is_an_error_with_path(record: Any) -> None:
    with pytest.raises(ResponseValidationError, match=r"result\[1\]") as caught:
        decode({"result": [SESSION, record]})
    assert caught.value.json_path == "result[1]"
    assert "zebra" not in str(caught.value)


def found_in(*records: Any, **envelope: Any) -> list[tuple[str, str]]:
    findings: list[ContractDriftWarning] = []
    decode({"result": list(records), **envelope}, on_drift=findings.append)
    return [(finding.field, finding.kind) for finding in findings]


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"sentiment": 0.5}, ("AISession.sentiment", "unknown field")),
        ({"channel": "telegram"}, ("AISession.channel", "unknown value")),
        ({"channel": None}, ("AISession.channel", "wrong type")),
        ({"created_at": "2026-02-25T16:46:34"}, ("AISession.created_at", "wrong type")),
        ({"status": {"completed": "yes"}}, ("AISessionStatus.completed", "wrong type")),
        ({"messages": [{"initiator_origin": "BOT"}]}, ("AISessionMessageItem.initiator_origin", "unknown value")),
    ],
)
def test_each_departure_is_reported_with_field_and_kind(fields: Any, finding: tuple[str, str]) -> None:
    assert found_in({**SESSION, **fields}) == [finding]


def test_a_departure_of_the_envelope_is_reported() -> None:
    assert found_in(count="3", next="x") == [
        ("AISessionResponse.count", "wrong type"),
        ("AISessionResponse.next", "unknown field"),
    ]


def test_the_trail_may_hold_any_json() -> None:
    assert found_in({"state": {"trail": [{"skill": "A", "n": 1}, {}]}}) == []


def test_each_field_and_kind_is_reported_once() -> None:
    odd = {"channel": "telegram", "mood": 1}
    assert found_in(odd, {"channel": "sms"}, odd) == [
        ("AISession.channel", "unknown value"),
        ("AISession.mood", "unknown field"),
    ]


def test_drift_is_a_warning_by_default_and_never_shows_the_value(mode: ClientMode) -> None:
    with serving(replies(Reply({"result": [{"id": "a", "channel": "zebra"}]}), Reply({"result": []}))) as server:
        with pytest.warns(ContractDriftWarning, match=r"unknown value at AISession\.channel") as caught:
            read(mode, server.url)
    assert len(caught) == 1
    assert "zebra" not in str(caught[0].message)


def test_drift_can_be_ignored(mode: ClientMode) -> None:
    with serving(replies(Reply({"result": [{"id": "a", "channel": "sms"}]}), Reply({"result": []}))) as server:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert [session.channel for session in read(mode, server.url, client={"on_drift": "ignore"})] == ["sms"]
    assert caught == []


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"created_at": "zebra"}, "result[1].created_at"),
        ({"messages": [{}, {"initiator_origin": "zebra"}]}, "result[1].messages[1].initiator_origin"),
        ({"status": {"zest": "zebra"}}, "result[1].status.zest"),
    ],
)
def test_drift_can_be_an_error_with_its_json_path(mode: ClientMode, record: Any, path: str) -> None:
    with serving(replies(Reply({"result": [SESSION, record]}))) as server:
        with pytest.raises(ResponseValidationError) as caught:
            read(mode, server.url, client={"on_drift": "raise"})
    assert caught.value.json_path == path
    assert "zebra" not in str(caught.value)


@pytest.mark.parametrize("on_drift", ["silent", None, 5])
def test_an_invalid_on_drift_is_a_value_error(on_drift: Any) -> None:
    with pytest.raises(ValueError, match="on_drift"):
        Konvo("test-key", on_drift=on_drift)
