"""Lists and scans of changing data, through a Prism proxy that validates every request and response."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from konvoai import AISession, InternalServerError
from konvoai._cli.prism import Mock, prism
from konvoai.testing import make_session
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.habits import ORDERS, START
from konvoai.testing._store.made_store import MadeStore
from konvoai.testing._store.store import Store
from tests.support import api_document
from tests.support.both_clients import ClientMode, ReadMethod, read

SIZE = 17
EVERYTHING = {"messages": True, "state": True}
EARLIER, LATER = START + timedelta(minutes=5), START + timedelta(minutes=12)


class Case(NamedTuple):
    """A store's behavior, the arguments of a read, and the sessions that it returns.

    Attributes:
        behavior: Options of the store.
        arguments: Arguments of `list` or `scan`.
        first: The number of the first session.
        last: The number after the last session.
    """

    behavior: Mapping[str, Any] = {}
    arguments: Mapping[str, Any] = {}
    first: int = 0
    last: int = SIZE


SCANS = {
    "everything": Case(),
    "no sessions": Case(last=0),
    "from a time": Case({}, {"updated_at_min": EARLIER}, first=5),
    "to a time": Case({}, {"updated_at_max": LATER}, last=13),
    "between times": Case({}, {"updated_at_min": EARLIER, "updated_at_max": LATER}, first=5, last=13),
    "by creation": Case({"filters": "created"}, {"updated_at_min": EARLIER}, first=5),
    "exclusive bounds": Case({"inclusive": (False, False)}),
    "a clock that is behind": Case({"skew": timedelta(hours=-1)}),
}
LISTS = {
    **SCANS,
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
    """A mock server; each test sets its store."""
    with mock_server(Store()) as server:
        yield server


@pytest.fixture(scope="module", params=["plain", "strict"])
def proxy(
    request: pytest.FixtureRequest, running: MockServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mock]:
    """A Prism proxy that validates by the API document, or by a strict variant of it."""
    document = api_document.PATH
    if request.param == "strict":
        document = tmp_path_factory.mktemp("strict") / "openapi.yaml"
        YAML(typ="safe").dump(api_document.strict(), document)
    with prism(document, command="proxy", extra=["--errors", running.url]) as running_proxy:
        yield running_proxy


class Reader(NamedTuple):
    """Reads the store through Prism with one of the two clients.

    Attributes:
        always: Arguments of every read; the strict document requires all fields.
    """

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
each_scan = pytest.mark.parametrize("case", SCANS.values(), ids=SCANS)


@each_list
def test_a_list_yields_each_session_once_in_order(reader: Reader, case: Case) -> None:
    store = Store.of(SIZE if case.last else 0, **case.behavior)
    found = reader.read("list", store, **{"limit": 7, **case.arguments})
    expected = [name for name in store.ids_in_order() if case.first <= number(name) < case.last]
    assert expected == [session.id for session in found]


@each_scan
def test_a_scan_yields_each_session_once(reader: Reader, case: Case) -> None:
    store = Store.of(SIZE if case.last else 0, **case.behavior)
    found = reader.read("scan", store, **case.arguments)
    assert list(range(case.first, case.last)) == sorted(number(session.id) for session in found)


@pytest.mark.parametrize("how", ["list", "scan"])
def test_realistic_sessions_conform(reader: Reader, how: ReadMethod) -> None:
    store = MadeStore.until(LATER, 40, seed=2)
    given = store.put(make_session(created_at=EARLIER))
    found = reader.read(how, store, **EVERYTHING)
    assert Counter([*store.ids_in_order()]) == Counter(session.id for session in found)
    assert given in store.ids_in_order()


def number(name: Any) -> int:
    return int(name.removeprefix("session-"))


def change_between_responses(store: Store) -> Callable[[], set[str]]:
    """Add, change or remove a session before each of the next responses; return a function for the changed ids."""
    touched: set[str] = set()

    def between(number: int) -> None:
        if 0 < number < 9:
            name = store.id_at(5 * number % len(store))
            touched.add(
                [store.add, lambda: store.touch(name) or name, lambda: store.remove(name) or name][number % 3]()
            )

    store.between = between
    return lambda: touched


CHANGING_STORES = [(order, base, (1, 4)[(index + base) % 2]) for index, order in enumerate(ORDERS) for base in (0, 1)]
each_changing_store = pytest.mark.parametrize(("order", "base", "concurrency"), CHANGING_STORES)


@each_changing_store
def test_a_list_of_changing_data_misses_and_repeats_none(
    reader: Reader, order: str, base: int, concurrency: int
) -> None:
    store = Store.of(SIZE, order=order, page_base=base)
    initial = set(store.ids_in_order())
    change_between_responses(store)
    found = [session.id for session in reader.read("list", store, limit=8, concurrency=concurrency)]
    assert set() == initial & set(store.ids_in_order()) - set(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("order", "concurrency"), [*zip(ORDERS, (1, 4, 4, 1), strict=True)])
def test_a_scan_of_changing_data_repeats_only_what_changed(reader: Reader, order: str, concurrency: int) -> None:
    start = datetime.now(UTC) - timedelta(hours=2)
    store = Store.bursts([5, 6, 2], start, order=order, cap=6)
    initial = set(store.ids_in_order())
    touched = change_between_responses(store)
    sessions = reader.read("scan", store, updated_at_min=start, concurrency=concurrency)
    found = Counter(str(session.id) for session in sessions)
    assert set() == initial & set(store.ids_in_order()) - set(found)
    assert set() == {name for name, times in found.items() if times > 1} - touched()


def test_a_scan_reads_a_burst_by_pages(reader: Reader) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    found = reader.read("scan", Store.bursts([1, 7, 1], start, timedelta(minutes=20), cap=3), updated_at_min=start)
    assert list(range(9)) == sorted(number(session.id) for session in found)


@pytest.mark.parametrize("flags", FLAGS, ids="+".join)
@pytest.mark.parametrize("how", ["list", "scan"])
def test_a_flag_adds_its_fields(reader: Reader, how: ReadMethod, flags: dict[str, bool]) -> None:
    sessions = reader.read(how, Store.of(SIZE), **flags)
    requested = {**flags, **reader.always}
    expected = [index % 4 if "messages" in requested else 0 for index in range(SIZE)]
    assert expected == [len(session.messages or []) for session in sessions]
    assert {"state" in requested} == {bool(session.status and session.state) for session in sessions}


def test_an_invalid_response_is_detected(reader: Reader) -> None:
    with pytest.raises(InternalServerError):
        reader.read("list", Store.of(1, count="text"))
