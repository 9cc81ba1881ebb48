"""What is found out about a server is what it is: each guise of the stand-in is told from its answers alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from konvoai import AuthenticationError, KonvoError
from konvoai._doctor.probe import Report
from konvoai._doctor.runner import MAX_REQUESTS, examine
from konvoai._resources import AISessions
from scripts.contract import live as contract_live
from tests.support.http_server import Reply, Request
from tests.support.mock_server import Fault, MockServer, mock_server, no_fault
from tests.support.store import Answer, Store

KEY = "the-right-key"
LONG_AGO = datetime(2024, 5, 1, tzinfo=UTC)
UNTOLD = "could not be told, because "
TIMES = {"created": "created_at", "updated": "status.last_updated"}
WRONG_COUNTS = {"small": "less than the number of records", "large": "more than the number of records"}
NO_COUNTS = {"missing": "missing", "null": "null", "text": "not a number of records"}


def store_of(number: int, kind: type[Store] = Store, **habits: Any) -> Store:
    """A shop whose sessions were updated in another order than that in which they were created."""
    created = [LONG_AGO + i * timedelta(minutes=1, milliseconds=7) for i in range(number)]
    updated = [time + timedelta(hours=1 + 7 * i % 11) for i, time in enumerate(created)]
    return kind(created=created, updated=updated, **habits)


@contextmanager
def serving(store: Store, key: str | None = KEY, fault: Callable[[Request], Fault] = no_fault) -> Iterator[MockServer]:
    """The stand-in, and what holds for every one that is asked."""
    with mock_server(store, key=key, fault=fault) as running:
        yield running
    assert len(running.requests) <= MAX_REQUESTS
    assert running.most_in_flight <= 1


def examined(store: Store, key: str | None = KEY, fault: Callable[[Request], Fault] = no_fault, **how: Any) -> Report:
    with serving(store, key, fault) as running:
        report = examine(api_key=KEY, base_url=running.url, **how)
        assert len(running.requests) == report.requests
    return report


guises = st.fixed_dictionaries(
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


def expected(number: int, guise: Mapping[str, Any]) -> dict[str, str]:
    """The findings, as the guise has them; those that the data leaves untold as `UNTOLD`."""
    found = dict.fromkeys(
        ["page base", "page cap", "order", "time filters", "updated_at_min", "updated_at_max"], UNTOLD
    )
    if number and guise["page_ignored"]:
        found["page base"] = "none: `page` is ignored"
    elif number:
        below = "the answer was 400" if guise["below_base"] == "refused" else "the first page, too"
        found["page base"] = f"1; of page 0: {below}" if guise["page_base"] else "0"
    if number >= 200 == guise["cap"]:
        found["page cap"] = "none below the document's 200"
    elif number > guise["cap"] and not guise["page_ignored"]:
        found["page cap"] = f"{guise['cap']}, where limit=200 is asked"
    if number >= 3:
        method = "descending" if guise["order"][0] == "-" else "ascending"
        found["order"] = f"by {TIMES[guise['order'].removeprefix('-')]}, {method}"
    if number:
        by = guise["filters"]
        found["time filters"] = f"by {TIMES[by]}" if by else "ignored"
        for name, inclusive in zip(("updated_at_min", "updated_at_max"), guise["inclusive"], strict=True):
            found[name] = ("inclusive" if inclusive else "exclusive") if by else "ignored"
    found |= {name: "answered 400, with the document's Error" for name in ("limit=0", "limit=201", "page=first")}
    found |= {"no key": "answered 401", "wrong key": "answered 401", "rate-limit headers": "none"}
    return found


def expected_count(number: int, guise: Mapping[str, Any]) -> str | None:
    """None where it depends on what else is told."""
    count = guise["count"]
    if count in NO_COUNTS:
        return NO_COUNTS[count]
    if guise["page_ignored"] and count != "honest":
        return None
    if count == "large" or (count == "small" and number):
        return WRONG_COUNTS[count]
    if number < 2:
        return UNTOLD
    narrowed = " that match the filters" if guise["filters"] else "; whether the filters narrow it, could not be told"
    return f"all records{narrowed}{'; whether truly, could not be told' if guise['page_ignored'] else ''}"


@pytest.mark.drawn
@settings(max_examples=settings().max_examples // 8, phases=[Phase.generate])  # making one smaller takes minutes
@given(number=st.sampled_from([0, 1, 2, 3, 4, 9, 40, 210, 450]), guise=guises)
def test_the_findings_are_the_guise(number: int, guise: dict[str, Any]) -> None:
    report = examined(store_of(number, **guise))
    count = report.findings.pop("count")
    wanted = expected_count(number, guise)
    assert wanted in (None, count, UNTOLD if count.startswith(UNTOLD) else None)
    told = {name: UNTOLD if text.startswith(UNTOLD) else text for name, text in report.findings.items()}
    assert told == expected(number, guise)
    wrong = [habit for habit in (number and guise["page_ignored"], number and guise["filters"] is None) if habit]
    wrong += [True] * (count in WRONG_COUNTS.values() or guise["count"] in ("null", "text") or not guise["ids"])
    if not guise["ids"] or wanted is None:
        return  # a missing id is none, as the document requires no field
    assert bool(report.deviations) == bool(wrong)


@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("number", [10, 20, 40, 50])
@pytest.mark.parametrize("count", ["honest", *WRONG_COUNTS])
def test_the_last_page_shows_whether_the_count_is_true(count: str, number: int, page_base: int) -> None:
    report = examined(store_of(number, cap=20, count=count, page_base=page_base))
    wrong = WRONG_COUNTS.get(count)
    assert report.findings["count"] == (wrong or "all records that match the filters")
    assert report.deviations == ([f"`count` is {wrong}"] if wrong else [])
    assert report.findings["page cap"].startswith("20, where" if number > 20 else UNTOLD)


@pytest.mark.parametrize("number", [38, 40])
def test_a_count_that_ends_within_the_last_page(number: int) -> None:
    found = examined(store_of(number, cap=20, count=lambda total: max(total - 5, 0))).findings
    assert found["count"] == WRONG_COUNTS["small"]


def test_where_times_agree_both_are_named() -> None:
    found = examined(Store.of(30, LONG_AGO)).findings
    assert found["order"] == "by created_at or status.last_updated, ascending"
    assert found["time filters"] == "by created_at or status.last_updated"


@pytest.mark.parametrize("inclusive", [(True, True), (False, True), (True, False), (False, False)])
def test_a_burst_has_no_order_but_bounds(inclusive: tuple[bool, bool]) -> None:
    found = examined(Store.bursts([250], LONG_AGO, inclusive=inclusive)).findings
    assert found["order"] == f"{UNTOLD}all records are of one time"
    words = ["inclusive" if each else "exclusive" for each in inclusive]
    assert words == [found["updated_at_min"], found["updated_at_max"]]


def test_an_order_by_something_else() -> None:
    class Shuffled(Store):
        def _in_order(self, numbers: Any) -> Any:
            return sorted(numbers, key=lambda number: number * 5 % 13)

    assert examined(store_of(30, Shuffled)).findings["order"] == "by none of the times that the records show"


class PageCount(Store):
    def answer(self, query: Mapping[str, str]) -> Answer:
        answer = super().answer(query)
        if answer.status == 200:
            answer.body["count"] = len(answer.body["result"])
        return answer


@pytest.mark.parametrize("number", [2, 40, 200, 450])
def test_a_count_of_the_page_alone(number: int) -> None:
    report = examined(store_of(number, PageCount))
    assert report.findings["count"] == "only that of the records of the page"
    assert report.deviations == ["`count` is only that of the records of the page"]


@pytest.mark.parametrize("number", [2, 40, 450])
def test_a_count_that_does_not_heed_the_filters(number: int) -> None:
    report = examined(store_of(number, count=lambda total: number))
    assert report.findings["count"] == "all records, whatever the filters"
    assert report.deviations == ["`count` does not heed the filters"]


class Coarse(Store):
    """Cuts the bounds to whole seconds."""

    def answer(self, query: Mapping[str, str]) -> Answer:
        cut = {n: datetime.fromisoformat(text).replace(microsecond=0) for n, text in query.items() if "updated" in n}
        return super().answer({**query, **{name: time.isoformat() for name, time in cut.items()}})


def test_filters_that_know_whole_seconds_only() -> None:
    found = examined(store_of(30, Coarse)).findings
    assert found["time filters"] == "by status.last_updated, told apart by a second at least"
    assert found["updated_at_min"] == f"{UNTOLD}the filters tell no times apart by less than a second"


class HalfDeaf(Store):
    def answer(self, query: Mapping[str, str]) -> Answer:
        return super().answer({name: text for name, text in query.items() if name != "updated_at_max"})


def test_one_bound_that_is_ignored() -> None:
    report = examined(store_of(30, HalfDeaf))
    assert report.findings["time filters"] == "updated_at_min alone is heeded"
    assert report.findings["updated_at_max"] == "ignored"
    assert report.deviations == ["`updated_at_max` is ignored"]


class Clamping(Store):
    """Makes the best of a limit that is too large, and does not know the document's Error."""

    def answer(self, query: Mapping[str, str]) -> Answer:
        answer = super().answer({**query, "limit": "200"} if query.get("limit") == "201" else query)
        return answer if answer.status == 200 else answer._replace(body={"detail": "no"})


def test_bad_parameters_that_are_answered_otherwise() -> None:
    assert examined(store_of(9, Clamping)).deviations == [
        "limit=0 is answered 400, without the document's Error",
        "limit=201 is answered 200, without the document's Error",
        "page=first is answered 400, without the document's Error",
    ]


def test_a_key_that_does_not_matter() -> None:
    departures = examined(store_of(9), key=None).deviations
    assert departures == ["a request with wrong key is answered 200, neither 401 nor 403"]


class Limited(Store):
    def headers(self) -> dict[str, str]:
        left = str(99 - len(self.requests))
        return {**super().headers(), "X-RateLimit-Remaining": left, "RateLimit-Policy": f'"day";q=100;pk={KEY}'}


def test_rate_limit_headers_are_told_without_the_key() -> None:
    report = examined(store_of(9, Limited))
    policy, left = sorted(report.findings["rate-limit headers"].split(", "))
    assert policy == 'ratelimit-policy "day";q=100;pk=**********'
    assert left.startswith("x-ratelimit-remaining 98 to ")


def test_a_list_of_other_parameters_and_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the builder takes and the records show is what is asked and told."""
    build = AISessions.build

    def plain(*, page: Any = None, limit: Any = None, updated_at_min: Any = None, updated_at_max: Any = None) -> Any:
        filters = {"updated_at_min": updated_at_min, "updated_at_max": updated_at_max}
        return build(page=page, limit=limit, **{name: time for name, time in filters.items() if time})

    monkeypatch.setattr(AISessions, "build", staticmethod(plain))
    found = [examined(store_of(30, filters=by)).findings["time filters"] for by in ("created", "updated")]
    assert found == ["by created_at", f"{UNTOLD}what comes fits none of the times that the records show"]


def test_an_answer_that_is_no_list_is_a_departure() -> None:
    report = examined(store_of(30), fault=lambda request: Reply({"count": 30}) if "page" in request.query else None)
    assert report.findings["page base"] == f"{UNTOLD}the answer is not what the document says"
    refused, page = report.deviations
    assert refused.endswith("/ai-sessions at result: there is no list of records")
    assert page == "page=first is answered 200, without the document's Error"


def test_a_status_that_the_document_does_not_know_is_a_departure() -> None:
    report = examined(store_of(30), fault=lambda request: 418 if "updated_at_min" in request.query else None)
    assert report.findings["updated_at_min"] == f"{UNTOLD}the answer was 418"
    assert report.deviations == ["a request that the document allows is answered 418"]


def test_what_is_sent_again_counts() -> None:
    came: list[Request] = []

    def fault(request: Request) -> Fault:
        came.append(request)
        return (503, {"Retry-After": "0"}) if len(came) > 1 else None

    report = examined(store_of(30), fault=fault)
    assert report.requests == MAX_REQUESTS
    assert report.findings["wrong key"] == f"{UNTOLD}the {MAX_REQUESTS} requests that are allowed were spent"


@pytest.mark.parametrize("most", [1, 5, 14])
def test_fewer_requests_are_allowed(most: int) -> None:
    report = examined(store_of(30), max_requests=most)
    assert (report.requests, report.deviations) == (most, [])
    assert report.findings["order"] == "by created_at, ascending"


def test_a_wrong_key_is_an_error() -> None:
    with serving(store_of(3)) as running, pytest.raises(AuthenticationError):
        examine(api_key="another", base_url=running.url)


def test_a_list_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        examine("orders", api_key=KEY)


Run = Callable[[str, str | None], tuple[int, list[str], list[str]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program for an address and a key; gives its exit code and the lines it wrote."""

    def start(url: str, key: str | None) -> tuple[int, list[str], list[str]]:
        monkeypatch.setenv("KONVO_BASE_URL", url)
        if key:
            monkeypatch.setenv("KONVO_API_KEY", key)
        code = contract_live.main([])
        shown = capsys.readouterr()
        shows_no_secret(shown.out + shown.err)
        return code, shown.out.splitlines(), shown.err.splitlines()

    return start


def shows_no_secret(text: str) -> None:
    assert [
        secret for secret in (KEY, "another-key", "session-0", "49151", "contact-", "2024-05") if secret in text
    ] == []


@pytest.mark.parametrize(("key", "code"), [(KEY, 0), ("another-key", 2)])
def test_the_program_as_a_process(key: str, code: int) -> None:
    with serving(store_of(210, page_base=1)) as running:
        environment = {**os.environ, "KONVO_BASE_URL": running.url, "KONVO_API_KEY": key}
        command = [sys.executable, "-W", "error", "-m", "scripts.contract.live"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    shows_no_secret(done.stdout + done.stderr)
    assert (done.returncode, done.stderr.count("\n")) == (code, int(code == 2))
    if code == 0:
        lines = done.stdout.splitlines()
        assert "page base: 1; of page 0: the first page, too" in lines
        assert lines[-1] == f"{len(running.requests)} requests, 0 deviations from the document"


class Odd(Store):
    def _record(self, number: int, asked: Any) -> dict[str, Any]:
        odd = {"channel": f"session-0{number}", "sentiment": KEY, "created_at": "yesterday", "feed_id": None}
        return {**super()._record(number, asked), **odd}


def test_the_program_tells_departures_by_their_place_alone(run: Run) -> None:
    with serving(store_of(9, Odd)) as running:
        code, lines, errors = run(running.url, KEY)
    assert (code, errors) == (1, [])
    told = [line.removeprefix("deviation: ") for line in lines if line.startswith("deviation: ")]
    assert set(told) == {
        "unknown value at AISession.channel",
        "unknown field at AISession.sentiment",
        "wrong type at AISession.created_at",
        "wrong type at AISession.feed_id",
        "result[].channel: not as the document's enum says",
        "result[].created_at: not of the format date-time",
        "result[].feed_id: not of the type string",
    }
    assert lines[-1].endswith(f"{len(told)} deviations from the document")


@pytest.mark.parametrize(
    ("key", "path", "sentence"),
    [
        ("another-key", "", "answers 401: check the key in KONVO_API_KEY"),
        (KEY, "/v2", "answers 404: check the address in KONVO_BASE_URL"),
        (None, "", "no API key: set KONVO_API_KEY"),
    ],
)
def test_a_wrong_setting_is_one_sentence(key: str | None, path: str, sentence: str, run: Run) -> None:
    with serving(store_of(3)) as running:
        code, lines, errors = run(running.url + path, key)
    assert (code, lines, [sentence in error for error in errors]) == (2, [], [True])


def test_a_server_that_is_down_is_one_sentence(run: Run) -> None:
    with mock_server(store_of(0)) as running:
        pass
    code, lines, errors = run(running.url, KEY)
    assert (code, lines, [error.split(" for ")[0] for error in errors]) == (2, [], ["connection lost"])


@pytest.mark.parametrize("wrong", ["0", "31", "many"])
def test_no_more_requests_can_be_asked_for(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        contract_live.main(["--take", wrong])
    assert "--take" in capsys.readouterr().err


def test_all_ends_in_a_konvo_error() -> None:
    with mock_server(store_of(3), fault=lambda request: (500, {"Retry-After": "0"})) as running:
        with pytest.raises(KonvoError):
            examine(api_key=KEY, base_url=running.url)
    assert len(running.requests) == 3
