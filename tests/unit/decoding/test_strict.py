"""Strict decoding gives what the tolerant decoder gives, however odd the page, and learns what departs."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from konvoai import AISessionResponse
from konvoai._decoding.drift import Drift
from konvoai._decoding.page import decode_page
from konvoai._decoding.parse import DecodeError
from tests.support.tolerant_decoding import assert_decoded_as_by_the_tolerant_decoder, odd_pages

PAGE = {"$ref": "#/components/schemas/AISessionResponse"}
RECORD = {"id": "a", "channel": "email", "status": {"completed": True}, "messages": [{"message": "Hi"}] * 10}


@pytest.mark.drawn
@settings(max_examples=settings().max_examples * 3 // 4)
@given(odd_pages(PAGE))
def test_odd_pages_decode_as_by_the_tolerant_decoder(page: dict[str, Any]) -> None:
    assert_decoded_as_by_the_tolerant_decoder(AISessionResponse, page)


@pytest.mark.parametrize("names", [1, 40, 100])
def test_many_new_fields_decode_as_by_the_tolerant_decoder(names: int) -> None:
    records = [{**RECORD, f"new-{number % names}": number} for number in range(200)]
    assert_decoded_as_by_the_tolerant_decoder(AISessionResponse, {"count": 200, "result": records})


def calls_to_decode(page: dict[str, Any]) -> int:
    """Returns how many Python functions run to decode a page."""
    calls, content, profile = 0, json.dumps(page).encode(), sys.getprofile()

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        decode_page(AISessionResponse, content, Drift("ignore"))
    finally:
        sys.setprofile(profile)
    return calls


@pytest.mark.parametrize(
    ("record", "envelope"),
    [
        ({}, {}),
        ({"learned": 1}, {}),
        ({"channel": "telegram"}, {}),
        ({"workspace_id": None}, {}),
        ({"status": None}, {}),
        ({"created_at": "2026-02-25"}, {}),
        ({"messages": [{"message": None}] * 10}, {}),
        ({}, {"learned": 1}),
    ],
)
def test_a_departure_of_every_record_is_learned(record: Any, envelope: Any) -> None:
    page = {"count": 100, "result": [RECORD | record] * 100, **envelope}
    for _ in range(2):  # the first page teaches, the second one compiles
        calls_to_decode(page)
    values_at_fault = max(len(record.get("messages", [])), 1)
    assert calls_to_decode(page) < 100 * (3 + 8 * values_at_fault)


def test_the_body_of_a_page_is_not_kept() -> None:
    for record in (RECORD, {"not-kept": 1}, {"status": []}):
        content = json.dumps({"result": [record]}).encode()
        references = sys.getrefcount(content)
        decode_page(AISessionResponse, content, Drift("ignore"))
        assert sys.getrefcount(content) == references


@pytest.mark.parametrize("records", [{}, {"result": None}, {"result": {}}])
def test_a_page_without_records_reports_no_departure(records: Any) -> None:
    decode_page(AISessionResponse, b'{"learned": 1, "result": []}', Drift("ignore"))
    findings: list[Any] = []
    with pytest.raises(DecodeError, match="the list of records is missing"):
        decode_page(AISessionResponse, json.dumps({"learned": 1, **records}).encode(), Drift(findings.append))
    assert findings == []
