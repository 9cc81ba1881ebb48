"""The runner counts requests, notes rate-limit headers and raises only documented errors."""

from __future__ import annotations

import pytest

from konvoai import AuthenticationError, KonvoError
from konvoai._doctor.runner import MAX_REQUESTS, examine
from konvoai.testing._http_server import Request
from konvoai.testing._server import Fault, mock_server
from konvoai.testing._store.store import Store
from tests.support.doctor import KEY, examined, serving, store_of

UNKNOWN = "unknown: "


class RateLimited(Store):
    def headers(self) -> dict[str, str]:
        remaining = str(99 - len(self.requests))
        return {**super().headers(), "X-RateLimit-Remaining": remaining, "RateLimit-Policy": f'"day";q=100;pk={KEY}'}


def test_rate_limit_headers_are_shown_without_the_key() -> None:
    report = examined(store_of(9, RateLimited))
    policy, remaining = sorted(report.findings["rate-limit headers"].split(", "))
    assert policy == 'ratelimit-policy "day";q=100;pk=**********'
    assert remaining.startswith("x-ratelimit-remaining 98 to ")


def test_retries_count_as_requests() -> None:
    received: list[Request] = []

    def fault(request: Request) -> Fault:
        received.append(request)
        return (503, {"Retry-After": "0.01"}) if len(received) > 1 else None

    report = examined(store_of(30), fault=fault)
    assert report.requests == MAX_REQUESTS
    assert report.findings["wrong key"] == f"{UNKNOWN}the limit of {MAX_REQUESTS} requests was reached"


@pytest.mark.parametrize("limit", [1, 5, 14])
def test_a_lower_request_limit(limit: int) -> None:
    report = examined(store_of(30), max_requests=limit)
    assert (report.requests, report.deviations) == (limit, [])
    assert report.findings["order"] == "by created_at, ascending"


def test_a_wrong_key_is_an_error() -> None:
    with serving(store_of(3)) as running, pytest.raises(AuthenticationError):
        examine(api_key="another", base_url=running.url)


def test_an_unknown_resource_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        examine("orders", api_key=KEY)


def test_a_failing_server_is_a_konvo_error() -> None:
    with mock_server(store_of(3), fault=lambda request: (500, {"Retry-After": "0.01"})) as running:
        with pytest.raises(KonvoError):
            examine(api_key=KEY, base_url=running.url)
    assert len(running.requests) == 3
