"""Runs the checks against a server: sends their probes, one at a time, over the ordinary client."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx

from .._client import Konvo, page_response
from .._decoding.fields import envelope_of
from .._decoding.parse import parse
from .._query.list_query import ListQuery
from .._resources import Resource
from .._settings import KEY_HEADER
from ..errors import APIStatusError, ContractDriftWarning, KonvoError
from .checks import run_checks
from .probe import MISSING, Probe, Reply, Report, Target

MAX_REQUESTS = 30
WRONG_KEY = "a-key-that-no-server-knows"
RATE_LIMIT_HEADERS = ("ratelimit", "x-ratelimit", "x-rate-limit", "retry-after")


def examine(
    name: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    max_requests: int = MAX_REQUESTS,
    on_response: Callable[[httpx.Response], object] = lambda response: None,
) -> Report:
    """Runs all checks against a server, one request at a time.

    Args:
        name: The resource by its attribute of `Konvo`; None is the first.
        api_key, base_url: See `Konvo`.
        max_requests: The largest number of requests, retries included.
        on_response: Called with each response, content read, to a request with the real key.

    Raises:
        KonvoError: There is no key, the server rejects the key or the address, or is unreachable.
        KeyError: There is no such resource.
    """
    report = Report()
    rate_limits: dict[str, list[str]] = {}

    def before_request(request: httpx.Request) -> None:
        if report.requests >= max_requests:
            raise KonvoError(f"the limit of {max_requests} requests was reached")
        report.requests += 1
        if request.extensions["probe_key"] != "own":
            request.headers[KEY_HEADER] = WRONG_KEY
        if request.extensions["probe_key"] == "none":
            del request.headers[KEY_HEADER]

    def note_rate_limits(response: httpx.Response) -> None:
        for header, value in response.headers.multi_items():
            if header.startswith(RATE_LIMIT_HEADERS):
                rate_limits.setdefault(header, []).append(value)

    def note_drift(warning: ContractDriftWarning) -> None:
        report.add_deviation(f"{warning.kind} at {warning.field}")

    with Konvo(api_key, base_url=base_url, max_retries=2, on_drift=note_drift) as konvo:
        konvo._transport.http.event_hooks = {"request": [before_request], "response": [note_rate_limits]}
        resources = {name: value for name, value in vars(konvo).items() if isinstance(value, Resource)}
        resource = resources[name or next(iter(resources))]
        query, total = full_query(resource), envelope_of(resource.envelope).total
        flow = run_checks(Target(query, report, datetime.now(UTC)))
        with suppress(StopIteration):
            probe = next(flow)
            while True:
                probe = flow.send(send(konvo, query, total, probe, on_response))
    shown = ", ".join(f"{header} {' to '.join(dict.fromkeys((v[0], v[-1])))}" for header, v in rate_limits.items())
    report.add("rate-limit headers", shown.replace(konvo._transport._settings.api_key, "**********") or "none")
    return report


def send(
    konvo: Konvo, query: ListQuery, total: str | None, probe: Probe, on_response: Callable[[httpx.Response], object]
) -> Reply:
    """Sends a probe; without the real key, only the status of the response matters."""
    try:
        response = konvo._transport.send({**probe.request, "extensions": {"probe_key": probe.key}})
        if probe.key != "own":
            return Reply([])
        on_response(response)
        items = page_response(query.decode, response, konvo._drift).items
    except KonvoError as error:
        if probe.key == "own" and isinstance(error, APIStatusError):
            on_response(error.response)
        return Reply([], error=error)
    return Reply(items, parse(response.content).get(total, MISSING))


def full_query(resource: Resource[Any, Any]) -> ListQuery:
    """The list operation of a resource, with every flag that adds to the records."""
    flags = [name for name in resource.flags if name in resource.parameters().others]
    return resource._query((None, None), 1, **dict.fromkeys(flags, True))
