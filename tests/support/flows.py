"""Runs the flows of lists and scans against a store, in memory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from konvoai import UNSET, AISession, APIStatusError
from konvoai._pagination.protocol import Flow, PageRequest, PageResponse
from konvoai.testing._store.store import Store

MAX_REQUESTS = 3000
Result = PageResponse[AISession] | APIStatusError


def query_of(request: PageRequest, limit: int) -> dict[str, str]:
    query = {"limit": str(limit)}
    if request.page is not None:
        query["page"] = str(request.page)
    for name, time in (("updated_at_min", request.minimum), ("updated_at_max", request.maximum)):
        if time is not None:
            query[name] = time.isoformat()
    return query


def respond(store: Store, request: PageRequest, limit: int) -> Result:
    response = store.respond(query_of(request, limit))
    if response.status != 200:
        return APIStatusError("refused", response=httpx.Response(response.status))
    count = response.body.get("count")
    items = [session(body) for body in response.body["result"]]
    date = store.clock().replace(microsecond=0) if store.dated else None
    return PageResponse(items, count if type(count) is int and count >= 0 else None, date)


def session(body: dict[str, Any]) -> AISession:
    identifier = body.get("id")
    return AISession(
        id=identifier if isinstance(identifier, str) else UNSET,
        feed_id=body["feed_id"],
        created_at=datetime.fromisoformat(body["created_at"]),
    )


def read(flow: Flow[Any], store: Store, limit: int, pick: Callable[[int], int] = lambda waiting: 0) -> list[Any]:
    """The pages or windows of a flow; the store responds to the request in flight that `pick` chooses."""
    in_flight: list[tuple[PageRequest, list[Result]]] = []
    batches = []
    try:
        step: Any = next(flow)
        while True:
            if not isinstance(step, list):
                batches.append(step)
                step = next(flow)
                continue
            in_flight += [(request, []) for request in step]
            while not in_flight[0][1]:
                waiting = [entry for entry in in_flight if not entry[1]]
                request, results = waiting[pick(len(waiting))]
                results.append(respond(store, request, limit))
                assert len(store.requests) < MAX_REQUESTS
            result = in_flight.pop(0)[1][0]
            step = flow.throw(result) if isinstance(result, APIStatusError) else flow.send(result)
    except StopIteration:
        return batches


def ids(batches: list[Any]) -> list[Any]:
    return [session.id for batch in batches for session in batch.items]
