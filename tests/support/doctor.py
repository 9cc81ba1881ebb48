"""Runs `konvoai._doctor` against a mock server, and checks its limits on every run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from konvoai._doctor.probe import Report
from konvoai._doctor.runner import MAX_REQUESTS, examine
from konvoai.testing._http_server import Request
from konvoai.testing._server import Fault, MockServer, mock_server, no_fault
from konvoai.testing._store.store import Store

KEY = "the-right-key"
LONG_AGO = datetime(2024, 5, 1, tzinfo=UTC)


def store_of(number: int, kind: type[Store] = Store, **options: Any) -> Store:
    """A store whose sessions were updated in another order than they were created."""
    created = [LONG_AGO + i * timedelta(minutes=1, milliseconds=7) for i in range(number)]
    updated = [time + timedelta(hours=1 + 7 * i % 11) for i, time in enumerate(created)]
    return kind(created=created, updated=updated, **options)


@contextmanager
def serving(store: Store, key: str | None = KEY, fault: Callable[[Request], Fault] = no_fault) -> Iterator[MockServer]:
    """The mock server; the doctor must not exceed its requests, in total and in flight."""
    with mock_server(store, key=key, fault=fault) as running:
        yield running
    assert len(running.requests) <= MAX_REQUESTS
    assert running.most_in_flight <= 1


def examined(
    store: Store, key: str | None = KEY, fault: Callable[[Request], Fault] = no_fault, **options: Any
) -> Report:
    """The report about a store."""
    with serving(store, key, fault) as running:
        report = examine(api_key=KEY, base_url=running.url, **options)
        assert len(running.requests) == report.requests
    return report
