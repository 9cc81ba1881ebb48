"""The questions sent, one after the other, over the ordinary client."""

from __future__ import annotations

import typing
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx

from .._client import Konvo, page_response
from .._decoding.drift import Drift
from .._decoding.fields import union_members
from .._decoding.parse import parse
from .._resources import ListQuery, Resource
from .._settings import KEY_HEADER
from ..errors import APIStatusError, ContractDriftWarning, KonvoError
from .checks import PageFacts, find_cap, find_count, find_keys, find_order, find_page_base, find_rejections
from .probe import MISSING, BudgetExhausted, Probe, ProbeFlow, Reply, Report, send_probe
from .time_filters import find_filters

MAX_REQUESTS = 30
RETRIES = 2
TIMEOUT = 60.0
WRONG_KEY = "a-key-that-no-server-knows"
LIMIT_HEADERS = ("ratelimit", "x-ratelimit", "x-rate-limit", "retry-after")


def probe(query: ListQuery, report: Report, now: datetime) -> ProbeFlow[None]:
    """Asks whatever is to be found out about one list operation; at most 21 probes.

    Raises:
        KonvoError: The very first request got no answer that any other could be compared with.
    """
    whole = yield from send_probe(query, report)
    if whole.status not in (200, 400):
        raise whole.error or KonvoError("no answer")
    base, first = yield from find_page_base(query, report, whole)
    size = yield from find_cap(query, report, whole, base)
    find_order(report, whole)
    filtered = yield from find_filters(query, report, whole, now)
    yield from find_count(query, report, PageFacts(whole, first, base, size), filtered)
    yield from find_rejections(query, report)
    yield from find_keys(query, report)


def full_query(resource: Resource[Any, Any]) -> ListQuery:
    """The list of a resource, with all that its flags add to a record."""
    hints = typing.get_type_hints(type(resource).build)
    flags = {name: True for name, hint in hints.items() if name != "return" and union_members(hint) == [bool]}
    return resource._query((None, None), 1, **flags)


def resources(konvo: Konvo) -> dict[str, Resource[Any, Any]]:
    """The list operations of a client, by the name of their attribute."""
    return {name: value for name, value in vars(konvo).items() if isinstance(value, Resource)}


def examine(
    name: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    max_requests: int = MAX_REQUESTS,
    on_response: Callable[[httpx.Response], object] = lambda response: None,
) -> Report:
    """Asks a server all that `probe` wants to know, one request at a time.

    Args:
        name: The resource, as the attribute of `Konvo` is named; None is the first.
        api_key: As for `Konvo`.
        base_url: As for `Konvo`.
        max_requests: Requests at most, those sent again included.
        on_response: Given each answer to a request that carried the key, its content read.

    Raises:
        KonvoError: There is no key, the address or the key does not do, or the server is out of reach.
        KeyError: There is no such resource.
    """
    report = Report()
    limits: dict[str, list[str]] = {}

    def count(request: httpx.Request) -> None:
        if report.requests >= max_requests:
            raise BudgetExhausted(f"the {max_requests} requests that are allowed were spent")
        report.requests += 1

    def note(response: httpx.Response) -> None:
        for header, value in response.headers.multi_items():
            if header.startswith(LIMIT_HEADERS):
                limits.setdefault(header, []).append(value)

    def note_drift(warning: ContractDriftWarning) -> None:
        report.add_deviation(f"{warning.kind} at {warning.place}")

    def open_client(key: str | None, *hooks: Callable[[httpx.Request], None]) -> Konvo:
        client = closing.enter_context(Konvo(key, base_url=base_url, timeout=TIMEOUT, max_retries=RETRIES))
        client._transport.http.event_hooks = {"request": [count, *hooks], "response": [note]}
        return client

    with ExitStack() as closing:
        own = open_client(api_key)
        clients = {"own": own, "wrong": open_client(WRONG_KEY), "none": open_client(WRONG_KEY, without_key)}
        offered = resources(own)
        query = full_query(offered[name or next(iter(offered))])
        drift = Drift(note_drift)

        def answer(question: Probe) -> Reply:
            try:
                response = clients[question.key]._transport.send(question.request)
            except KonvoError as error:
                if isinstance(error, APIStatusError) and question.key == "own":
                    on_response(error.response)
                return Reply([], error=error)
            if question.key != "own":
                return Reply([])
            on_response(response)
            try:
                items = page_response(query.decode, response, drift).items
            except KonvoError as error:
                return Reply([], error=error)
            return Reply(items, parse(response.content).get("count", MISSING))

        talk = probe(query, report, datetime.now(UTC))
        try:
            question = next(talk)
            while True:
                question = talk.send(answer(question))
        except StopIteration:
            pass
        key = own._transport._settings.api_key
    shown = [f"{header} {' to '.join(dict.fromkeys((v[0], v[-1])))}" for header, v in limits.items()]
    report.add("rate-limit headers", ", ".join(shown).replace(key, "**********") or "none")
    return report


def without_key(request: httpx.Request) -> None:
    request.headers.pop(KEY_HEADER, None)
