"""Lists and scans of a shop that changes, with Prism between client and stand-in, which holds all to the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from konvoai import AISession, InternalServerError
from scripts.mock import Mock, prism
from tests.support import api_document as document
from tests.support.both_clients import ClientMode, ReadMethod, read
from tests.support.mock_server import MockServer, mock_server
from tests.support.store import ORDERS, START, Store

SIZE = 17
EVERYTHING = {"messages": True, "state": True}
EARLIER, LATER = START + timedelta(minutes=5), START + timedelta(minutes=12)


class Case(NamedTuple):
    """A shop's habits, what is asked of it, and how many of its first and last sessions that leaves out."""

    habits: Mapping[str, Any] = {}
    arguments: Mapping[str, Any] = {}
    first: int = 0
    last: int = SIZE


EACH = {
    "all of it": Case(),
    "nothing there": Case(last=0),
    "from a time": Case({}, {"updated_at_min": EARLIER}, first=5),
    "to a time": Case({}, {"updated_at_max": LATER}, last=13),
    "between times": Case({}, {"updated_at_min": EARLIER, "updated_at_max": LATER}, first=5, last=13),
    "by creation": Case({"filters": "created"}, {"updated_at_min": EARLIER}, first=5),
    "exclusive bounds": Case({"inclusive": (False, False)}),
    "a clock that is behind": Case({"skew": timedelta(hours=-1)}),
}
LISTS = {
    **EACH,
    "the newest first": Case({"order": "-updated"}),
    "small pages": Case({"cap": 5}),
    "limit 1": Case({}, {"limit": 1, "updated_at_min": LATER}, first=12),
    "limit 200": Case({}, {"limit": 200}),
    "pages from 1": Case({"page_base": 1, "below_base": "refused"}),
    "ignored filters": Case({"filters": None}),
}
FLAGS: list[dict[str, bool]] = [{"messages": True}, {"state": True}, EVERYTHING]


@pytest.fixture(scope="module")
def running() -> Iterator[MockServer]:
    """A stand-in; each test gives it a shop."""
    with mock_server(Store()) as server:
        yield server


@pytest.fixture(scope="module", params=["plain", "strict"])
def proxy(
    request: pytest.FixtureRequest, running: MockServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mock]:
    """A Prism before it that lets through what keeps to the document, or to a strict variant of it."""
    served = document.PATH
    if request.param == "strict":
        served = tmp_path_factory.mktemp("strict") / "openapi.yaml"
        YAML(typ="safe").dump(document.strict(), served)
    with prism(served, command="proxy", extra=["--errors", running.url]) as passing:
        yield passing


class Reader(NamedTuple):
    """Reads the shop through Prism, by one of the two clients; on the strict document always with everything."""

    mode: ClientMode
    running: MockServer
    proxy: Mock
    always: Mapping[str, Any]

    def read(self, how: ReadMethod, store: Store, **arguments: Any) -> list[AISession]:
        self.running.store = store
        options = {"max_retries": 0, "on_drift": "raise"}
        return read(self.mode, self.proxy.url, method=how, client=options, **{**arguments, **self.always})


@pytest.fixture(params=["sync", "async"])
def reader(request: pytest.FixtureRequest, running: MockServer, proxy: Mock) -> Reader:
    is_strict = request.node.callspec.params["proxy"] == "strict"
    return Reader(request.param, running, proxy, EVERYTHING if is_strict else {})


pytestmark = pytest.mark.long

each_list = pytest.mark.parametrize("case", LISTS.values(), ids=LISTS)
each_scan = pytest.mark.parametrize("case", EACH.values(), ids=EACH)


@each_list
def test_a_list_brings_each_session_once_in_order(reader: Reader, case: Case) -> None:
    store = Store.of(SIZE if case.last else 0, **case.habits)
    found = reader.read("list", store, **{"limit": 7, **case.arguments})
    wanted = [name for name in store.ids_in_order() if case.first <= number(name) < case.last]
    assert wanted == [session.id for session in found]


@each_scan
def test_a_scan_brings_each_session_once(reader: Reader, case: Case) -> None:
    store = Store.of(SIZE if case.last else 0, **case.habits)
    found = reader.read("scan", store, **case.arguments)
    assert list(range(case.first, case.last)) == sorted(number(session.id) for session in found)


def number(name: Any) -> int:
    return int(name.removeprefix("session-"))


def moving(store: Store) -> Callable[[], set[str]]:
    """Lets a session be added, changed or removed before each of the next answers; tells which were touched."""
    touched: set[str] = set()

    def between(number: int) -> None:
        if 0 < number < 9:
            name = store.id_at(5 * number % len(store))
            touched.add(
                [store.add, lambda: store.touch(name) or name, lambda: store.remove(name) or name][number % 3]()
            )

    store.between = between
    return lambda: touched


MOVING = [(order, base, (1, 4)[(place + base) % 2]) for place, order in enumerate(ORDERS) for base in (0, 1)]
each_moving_shop = pytest.mark.parametrize(("order", "base", "concurrency"), MOVING)


@each_moving_shop
def test_a_list_of_a_shop_that_changes_misses_and_doubles_none(
    reader: Reader, order: str, base: int, concurrency: int
) -> None:
    store = Store.of(SIZE, order=order, page_base=base)
    there = set(store.ids_in_order())
    moving(store)
    found = [session.id for session in reader.read("list", store, limit=8, concurrency=concurrency)]
    assert set() == there & set(store.ids_in_order()) - set(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("order", "concurrency"), [*zip(ORDERS, (1, 4, 4, 1), strict=True)])
def test_a_scan_of_a_shop_that_changes_misses_none_and_doubles_only_what_changed(
    reader: Reader, order: str, concurrency: int
) -> None:
    start = datetime.now(UTC) - timedelta(hours=2)
    store = Store.bursts([5, 6, 2], start, order=order, cap=6)
    there = set(store.ids_in_order())
    touched = moving(store)
    sessions = reader.read("scan", store, updated_at_min=start, concurrency=concurrency)
    found = Counter(str(session.id) for session in sessions)
    assert set() == there & set(store.ids_in_order()) - set(found)
    assert set() == {name for name, times in found.items() if times > 1} - touched()


def test_a_scan_reads_a_burst_by_pages(reader: Reader) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    found = reader.read("scan", Store.bursts([1, 7, 1], start, timedelta(minutes=20), cap=3), updated_at_min=start)
    assert list(range(9)) == sorted(number(session.id) for session in found)


@pytest.mark.parametrize("flags", FLAGS, ids="+".join)
@pytest.mark.parametrize("how", ["list", "scan"])
def test_a_flag_brings_what_it_says(reader: Reader, how: ReadMethod, flags: dict[str, bool]) -> None:
    sessions = reader.read(how, Store.of(SIZE), **flags)
    asked = {**flags, **reader.always}
    wanted = [place % 4 if "messages" in asked else 0 for place in range(SIZE)]
    assert wanted == [len(session.messages or []) for session in sessions]
    assert {"state" in asked} == {bool(session.status and session.state) for session in sessions}


def test_an_answer_that_breaks_the_document_is_noticed(reader: Reader) -> None:
    with pytest.raises(InternalServerError):
        reader.read("list", Store.of(1, count="text"))
