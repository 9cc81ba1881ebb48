"""Odd pages, and a comparison of `decode_page` with the tolerant decoder."""

import json
import pickle
from enum import Enum
from typing import Any

import attrs
from hypothesis import strategies as st

from konvoai._decoding.drift import Drift, DriftError
from konvoai._decoding.page import decode_page, json_path, page_decoder, record_type
from konvoai._decoding.parse import DecodeError
from konvoai._decoding.tolerant import decode_object
from konvoai._settings import OnDrift
from konvoai.errors import ContractDriftWarning
from konvoai.models import UNSET
from tests.support.api_document import Schema
from tests.support.strategies import any_json, conforming, locations

odd_times = st.sampled_from(
    [
        "2026-02-25T16:46:34",
        "2026-02-25t16:46:34z",
        "2026-02-25 16:46:34+05:30",
        "2026-02-25T16:46:34.123456789Z",
        "9999-12-31T23:59:60Z",
        "2026-02-25",
        "yesterday",
    ]
)


@st.composite
def odd_pages(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """Draw pages of which up to three values are replaced, then repeated in many records."""
    page: dict[str, Any] = draw(conforming(schema))
    page.setdefault("result", [])
    inside = [(holder, name) for holder, name in locations(page) if holder is not page or name != "result"]
    for holder, name in draw(st.lists(st.sampled_from(inside), max_size=3) if inside else st.just([])):
        holder[name] = draw(any_json | odd_times)
    page["result"] = page["result"] * draw(st.sampled_from([1, 12]))
    return page


def assert_decoded_as_by_the_tolerant_decoder(envelope: type, page: dict[str, Any]) -> None:
    """Decode a page twice, the second time with what the first has learned, and once with `on_drift="raise"`."""
    page_decoder.cache_clear()  # forget what other pages have taught
    content = json.dumps(page).encode()
    expected = tolerant(envelope, content)
    assert [strict(envelope, content) for _ in range(2)] == [expected] * 2
    assert strict(envelope, content, "raise")[0] == tolerant(envelope, content, "raise")[0]


def strict(envelope: type, content: bytes, on_drift: OnDrift | None = None) -> tuple[Any, set[Any]]:
    findings: list[ContractDriftWarning] = []
    try:
        items = decode_page(envelope, content, Drift(on_drift or findings.append)).items
    except DecodeError as error:
        return error.json_path, {str(finding) for finding in findings}
    assert described(pickle.loads(pickle.dumps(items))) == described(items)
    return described(items), {str(finding) for finding in findings}


def tolerant(envelope: type, content: bytes, on_drift: OnDrift | None = None) -> tuple[Any, set[Any]]:
    findings: list[ContractDriftWarning] = []
    report, page, items = Drift(on_drift or findings.append).report, json.loads(content), []
    try:
        for index, record in enumerate(page["result"]):
            items.append(decode_object(record, record_type(envelope), report))
            if items[-1] is UNSET:
                return f"result[{index}]", {str(finding) for finding in findings}
        decode_object({**page, "result": []}, envelope, report)
    except DriftError as error:
        return f"{json_path(page, error.data)}.{error.name}".lstrip("."), set()
    return described(items), {str(finding) for finding in findings}


def described(value: Any) -> Any:
    """A value with every type in it."""
    if attrs.has(type(value)):
        return type(value), {name: described(getattr(value, name)) for name in attrs.fields_dict(type(value))}
    if isinstance(value, dict):
        return {name: described(child) for name, child in value.items()}
    if isinstance(value, list):
        return [described(child) for child in value]
    if isinstance(value, Enum):
        return type(value), described(value.value), value.name
    return type(value), repr(value)
