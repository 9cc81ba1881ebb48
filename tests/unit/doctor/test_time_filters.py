"""Which time the filters select by, and their bounds, are found from the responses alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from konvoai._resources import AISessions
from konvoai.testing._store.store import Response, Store
from tests.support.doctor import LONG_AGO, examined, store_of

UNKNOWN = "unknown: "


def test_equal_times_are_both_named() -> None:
    found = examined(Store.of(30, LONG_AGO)).findings
    assert found["order"] == "by created_at or status.last_updated, ascending"
    assert found["time filters"] == "by created_at or status.last_updated"


@pytest.mark.parametrize("inclusive", [(True, True), (False, True), (True, False), (False, False)])
def test_records_of_one_time_have_bounds_but_no_order(inclusive: tuple[bool, bool]) -> None:
    found = examined(Store.bursts([250], LONG_AGO, inclusive=inclusive)).findings
    assert found["order"] == f"{UNKNOWN}all records have the same time"
    words = ["inclusive" if each else "exclusive" for each in inclusive]
    assert words == [found["updated_at_min"], found["updated_at_max"]]


class Coarse(Store):
    """Truncates the bounds to seconds."""

    def respond(self, query: Mapping[str, str]) -> Response:
        cut = {n: datetime.fromisoformat(text).replace(microsecond=0) for n, text in query.items() if "updated" in n}
        return super().respond({**query, **{name: time.isoformat() for name, time in cut.items()}})


def test_filters_precise_to_a_second() -> None:
    found = examined(store_of(30, Coarse)).findings
    assert found["time filters"] == "by status.last_updated, precise to a second"
    assert found["updated_at_min"] == f"{UNKNOWN}the filters are only precise to a second"


class OneFilter(Store):
    def respond(self, query: Mapping[str, str]) -> Response:
        return super().respond({name: text for name, text in query.items() if name != "updated_at_max"})


def test_one_ignored_filter() -> None:
    report = examined(store_of(30, OneFilter))
    assert report.findings["time filters"] == "only updated_at_min has an effect"
    assert report.findings["updated_at_max"] == "ignored"
    assert report.deviations == ["`updated_at_max` is ignored"]


def test_a_resource_with_other_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests have only the parameters that the builder takes; findings name only times that records have."""
    build = AISessions.build

    def plain(*, page: Any = None, limit: Any = None, updated_at_min: Any = None, updated_at_max: Any = None) -> Any:
        filters = {"updated_at_min": updated_at_min, "updated_at_max": updated_at_max}
        return build(page=page, limit=limit, **{name: time for name, time in filters.items() if time})

    monkeypatch.setattr(AISessions, "build", staticmethod(plain))
    found = [examined(store_of(30, filters=by)).findings["time filters"] for by in ("created", "updated")]
    assert found == ["by created_at", f"{UNKNOWN}the filtered records match none of their times"]
