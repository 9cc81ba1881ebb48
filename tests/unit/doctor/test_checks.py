"""Page numbers, page size, order, `count` and rejections are found from the responses alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from konvoai.testing._http_server import Reply
from konvoai.testing._store.store import Response, Store
from tests.support.doctor import examined, store_of

UNKNOWN = "unknown: "
TIMES = {"created": "created_at", "updated": "status.last_updated"}
WRONG_COUNTS = {"small": "less than the number of records", "large": "more than the number of records"}
NO_COUNTS = {"missing": "missing", "null": "null", "text": "not a number of records"}

server_options = st.fixed_dictionaries(
    {
        "page_base": st.sampled_from([0, 1]),
        "below_base": st.sampled_from(["first", "refused"]),
        "page_ignored": st.sampled_from([False, False, True]),
        "order": st.sampled_from(["created", "-created", "updated", "-updated"]),
        "cap": st.sampled_from([50, 200]),
        "filters": st.sampled_from(["created", "updated", None]),
        "inclusive": st.tuples(st.booleans(), st.booleans()),
        "count": st.sampled_from(["honest", "honest", *WRONG_COUNTS, *NO_COUNTS]),
        "ids": st.booleans(),
    }
)


def expected(number: int, options: Mapping[str, Any]) -> dict[str, str]:
    """The findings that follow from the options; UNKNOWN where the records do not show them."""
    found = dict.fromkeys(
        ["page base", "page cap", "order", "time filters", "updated_at_min", "updated_at_max"], UNKNOWN
    )
    if number and options["page_ignored"]:
        found["page base"] = "none: `page` is ignored"
    elif number:
        below = "status 400" if options["below_base"] == "refused" else "same as page 1"
        found["page base"] = f"1 (page 0: {below})" if options["page_base"] else "0"
    if number >= 200 == options["cap"]:
        found["page cap"] = "none below the API document's 200"
    elif number > options["cap"] and not options["page_ignored"]:
        found["page cap"] = f"{options['cap']} for limit=200"
    if number >= 3:
        order = "descending" if options["order"][0] == "-" else "ascending"
        found["order"] = f"by {TIMES[options['order'].removeprefix('-')]}, {order}"
    if number:
        by = options["filters"]
        found["time filters"] = f"by {TIMES[by]}" if by else "ignored"
        for name, inclusive in zip(("updated_at_min", "updated_at_max"), options["inclusive"], strict=True):
            found[name] = ("inclusive" if inclusive else "exclusive") if by else "ignored"
    found |= {name: "status 400 with the API document's Error" for name in ("limit=0", "limit=201", "page=first")}
    found |= {"no key": "status 401", "wrong key": "status 401", "rate-limit headers": "none"}
    return found


def expected_count(number: int, options: Mapping[str, Any]) -> str | None:
    """The finding about `count`; None where it depends on other findings."""
    count = options["count"]
    if count in NO_COUNTS:
        return NO_COUNTS[count]
    if options["page_ignored"] and count != "honest":
        return None
    if count == "large" or (count == "small" and number):
        return WRONG_COUNTS[count]
    if number < 2:
        return UNKNOWN
    narrowed = " that match the filters" if options["filters"] else "; effect of the filters unknown"
    return f"all records{narrowed}{' (not verified)' if options['page_ignored'] else ''}"


@pytest.mark.drawn
@settings(max_examples=settings().max_examples // 8, phases=[Phase.generate])  # shrinking an example takes minutes
@given(number=st.sampled_from([0, 1, 2, 3, 4, 9, 40, 210, 450]), options=server_options)
def test_findings_match_the_server_options(number: int, options: dict[str, Any]) -> None:
    report = examined(store_of(number, **options))
    count = report.findings.pop("count")
    wanted = expected_count(number, options)
    assert wanted in (None, count, UNKNOWN if count.startswith(UNKNOWN) else None)
    found = {name: UNKNOWN if text.startswith(UNKNOWN) else text for name, text in report.findings.items()}
    assert found == expected(number, options)
    wrong = bool(number and (options["page_ignored"] or options["filters"] is None))
    wrong |= count in WRONG_COUNTS.values() or options["count"] in ("null", "text")
    if not options["ids"] or wanted is None:
        return  # a missing id is no deviation, as the API document requires no field
    assert bool(report.deviations) == wrong


@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("number", [10, 20, 40, 50])
@pytest.mark.parametrize("count", ["honest", *WRONG_COUNTS])
def test_a_wrong_count_is_found_from_the_last_page(count: str, number: int, page_base: int) -> None:
    report = examined(store_of(number, cap=20, count=count, page_base=page_base))
    wrong = WRONG_COUNTS.get(count)
    assert report.findings["count"] == (wrong or "all records that match the filters")
    assert report.deviations == ([f"`count` is {wrong}"] if wrong else [])
    assert report.findings["page cap"].startswith("20 for" if number > 20 else UNKNOWN)


@pytest.mark.parametrize("number", [38, 40])
def test_a_count_within_the_last_page_is_too_small(number: int) -> None:
    found = examined(store_of(number, cap=20, count=lambda total: max(total - 5, 0))).findings
    assert found["count"] == WRONG_COUNTS["small"]


def test_an_order_by_none_of_the_times() -> None:
    class Shuffled(Store):
        def _in_order(self, numbers: Any) -> Any:
            return sorted(numbers, key=lambda number: number * 5 % 13)

    assert examined(store_of(30, Shuffled)).findings["order"] == "by none of the times in the records"


class PageCount(Store):
    def respond(self, query: Mapping[str, str]) -> Response:
        answer = super().respond(query)
        if answer.status == 200:
            answer.body["count"] = len(answer.body["result"])
        return answer


@pytest.mark.parametrize("number", [2, 40, 200, 450])
def test_a_count_of_the_page_is_a_deviation(number: int) -> None:
    report = examined(store_of(number, PageCount))
    assert report.findings["count"] == "only the number of records on the page"
    assert report.deviations == ["`count` is only the number of records on the page"]


@pytest.mark.parametrize("number", [2, 40, 450])
def test_a_count_without_the_filters_is_a_deviation(number: int) -> None:
    report = examined(store_of(number, count=lambda total: number))
    assert report.findings["count"] == "all records, regardless of the filters"
    assert report.deviations == ["`count` ignores the filters"]


class Lenient(Store):
    """Accepts a limit that is too large, and returns errors without the API document's `Error`."""

    def respond(self, query: Mapping[str, str]) -> Response:
        answer = super().respond({**query, "limit": "200"} if query.get("limit") == "201" else query)
        return answer if answer.status == 200 else answer._replace(body={"detail": "no"})


def test_wrong_responses_to_invalid_parameters() -> None:
    assert examined(store_of(9, Lenient)).deviations == [
        "limit=0 gets status 400 without the API document's Error",
        "limit=201 gets status 200 without the API document's Error",
        "page=first gets status 400 without the API document's Error",
    ]


def test_an_accepted_wrong_key_is_a_deviation() -> None:
    assert examined(store_of(9), key=None).deviations == ["wrong key gets status 200"]


def test_a_response_without_records_is_a_deviation() -> None:
    report = examined(store_of(30), fault=lambda request: Reply({"count": 30}) if "page" in request.query else None)
    assert report.findings["page base"] == f"{UNKNOWN}the response does not match the API document"
    no_records, page = report.deviations
    assert no_records.endswith("/ai-sessions at result: the list of records is missing")
    assert page == "page=first gets status 200 without the API document's Error"


def test_an_undocumented_status_is_a_deviation() -> None:
    report = examined(store_of(30), fault=lambda request: 418 if "updated_at_min" in request.query else None)
    assert report.findings["updated_at_min"] == f"{UNKNOWN}status 418"
    assert report.deviations == ["a valid request gets status 418"]
