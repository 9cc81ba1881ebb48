"""`konvo doctor` finds each habit of `MockKonvo`, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from konvoai._doctor.runner import examine
from konvoai.testing import MockKonvo

BY_DEFAULT = {
    "page base": "0",
    "page cap": "none below the API document's 200",
    "order": "by status.last_updated, ascending",
    "time filters": "by status.last_updated",
    "updated_at_min": "inclusive",
    "updated_at_max": "inclusive",
    "count": "all records that match the filters",
    "limit=0": "status 400 with the API document's Error",
    "limit=201": "status 400 with the API document's Error",
    "page=first": "status 400 with the API document's Error",
    "no key": "status 401",
    "wrong key": "status 401",
    "rate-limit headers": "none",
}
IGNORED = {"updated_at_min": "ignored", "updated_at_max": "ignored", "time filters": "ignored"}
WRONG_TYPE = ["wrong type at AISessionResponse.count"]


@cache
def examined(**habits: Any) -> tuple[dict[str, str], list[str]]:
    """Return the findings and the deviations."""
    with MockKonvo(sessions=450, **habits) as mock:
        report = examine(api_key=mock.key, base_url=mock.url)
    return dict(report.findings), list(report.deviations)


def test_the_default_habits_are_found() -> None:
    assert (BY_DEFAULT, []) == examined()


@pytest.mark.parametrize(
    ("habit", "findings", "deviations"),
    [
        ({"page_base": 1}, {"page base": "1 (page 0: same as page 1)"}, []),
        ({"order": "created"}, {"order": "by created_at, ascending"}, []),
        ({"order": "-created"}, {"order": "by created_at, descending"}, []),
        ({"order": "-updated"}, {"order": "by status.last_updated, descending"}, []),
        ({"filters": "created"}, {"time filters": "by created_at"}, []),
        (
            {"filters": None},
            {**IGNORED, "count": "all records; effect of the filters unknown"},
            ["`updated_at_min` is ignored", "`updated_at_max` is ignored"],
        ),
        ({"cap": 50}, {"page cap": "50 for limit=200"}, []),
        ({"count": "missing"}, {"count": "missing"}, []),
        ({"count": "null"}, {"count": "null"}, WRONG_TYPE),
        ({"count": "text"}, {"count": "not a number of records"}, WRONG_TYPE),
        (
            {"count": "small"},
            {"count": "less than the number of records"},
            ["`count` is less than the number of records"],
        ),
        (
            {"count": "large"},
            {"count": "more than the number of records"},
            ["`count` is more than the number of records"],
        ),
        ({"key": "another"}, {}, []),
        ({"seed": 5}, {}, []),
    ],
    ids=str,
)
def test_exactly_the_habit_is_found(habit: dict[str, Any], findings: dict[str, str], deviations: list[str]) -> None:
    assert ({**BY_DEFAULT, **findings}, deviations) == examined(**habit)
