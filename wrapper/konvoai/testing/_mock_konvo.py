"""`MockKonvo`: a stateful mock of the Konvo API in this process, for the tests of programs that use konvoai."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from ._http_server import Request
from ._server import Fault, MockServer
from ._store.habits import COUNTS, ORDERS
from ._store.list_parameters import MAX_LIMIT
from ._store.made_store import MadeStore
from ._store.sessions import build_session, in_utc

if TYPE_CHECKING:
    from .._client import AsyncKonvo, Konvo
    from ..models import AISession

Order = Literal["created", "-created", "updated", "-updated"]
FaultName = Literal["drop", "cut", "slow"]
SOON = 0.01
"""Seconds of `Retry-After` that stand for 0, which the client ignores to protect servers."""


class MockKonvo:
    """A Konvo API to test against: an HTTP server on a loopback address, as long as the `with` or `async with` lasts.

    Safe to use from any number of threads. Where the API document is silent, the server has the habits that the
    arguments give.

    Args:
        sessions: How many synthetic sessions it has, about one an hour until now.
        key: The API key that it accepts; another gets status 401.
        now: Its clock, an aware datetime, which stands still until `now` is set again; None follows the machine's.
        page_base: The number of the first page.
        order: By which time sessions are listed; with `-`, the newest first.
        filters: Which time `updated_at_min` and `updated_at_max` compare; None ignores them.
        cap: The largest page, whatever `limit` requests.
        count: What the envelope's `count` says: `"true"`, `"missing"`, `"null"`, `"text"`, `"small"` or `"large"`, or
            a function of the true total.
        seed: Decides the values of synthetic sessions.

    Attributes:
        key: The API key that it accepts.
        latency: Seconds before each response is sent; may be changed while it runs.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        sessions: int = 0,
        *,
        key: str = "test-key",
        now: datetime | None = None,
        page_base: int = 0,
        order: Order = "updated",
        filters: Literal["created", "updated"] | None = "updated",
        cap: int = MAX_LIMIT,
        count: str | Callable[[int], Any] = "true",
        seed: int = 0,
    ) -> None:
        validate(sessions=sessions, now=now, page_base=page_base, order=order, filters=filters, cap=cap, count=count)
        count = "honest" if count == "true" else count
        habits = {"page_base": page_base, "order": order, "filters": filters, "cap": cap, "count": count}
        self._store = MadeStore.until(now, sessions, seed, now=now, **habits)
        self._server = MockServer(store=self._store, key=key, fault=self._next_fault)
        self._faults: deque[Fault] = deque()
        self._limit: tuple[int, float] | None = None
        self._times: deque[float] = deque()
        self._lock = threading.Lock()
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._running.enter_context(self._server.running())
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self.__exit__()

    @property
    def url(self) -> str:
        """The address of the server, for `base_url=` or KONVO_BASE_URL.

        Raises:
            RuntimeError: The server has not been started.
        """
        if not self._server.url:
            raise RuntimeError("the mock is not running: start it by `with MockKonvo() as mock:`")
        return self._server.url

    @property
    def key(self) -> str:
        return self._server.key or ""

    @property
    def now(self) -> datetime:
        return self._store.clock()

    @now.setter
    def now(self, now: datetime | None) -> None:
        validate(now=now)
        self._store.now = now

    @property
    def latency(self) -> float:
        return self._server.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._server.latency = seconds

    @property
    def requests(self) -> list[Request]:
        """The requests that came, in order: each with `method`, `path`, `query` and `headers` (names in lower case)."""
        return self._server.requests

    def client(self, **options: Any) -> Konvo:
        """Returns a client of this server; `options` are those of `Konvo`."""
        from .._client import Konvo

        return Konvo(self.key, base_url=self.url, **options)

    def async_client(self, **options: Any) -> AsyncKonvo:
        """Returns an async client of this server; `options` are those of `AsyncKonvo`."""
        from .._client import AsyncKonvo

        return AsyncKonvo(self.key, base_url=self.url, **options)

    def add(
        self, session: Mapping[str, Any] | AISession | None = None, *, updated_at: datetime | None = None, **fields: Any
    ) -> str:
        """Adds a session and returns its id; one whose id is known replaces that session, which is updated now.

        Args:
            session: A session of your own, which is served as it is; None makes one.
            updated_at: When it was last updated; by default its `status.last_updated`, or else its `created_at`.
            fields: Fields of the session, as `make_session` takes them; by default it was created now.

        Raises:
            ValueError: A time has no time zone.
        """
        made = build_session(fields, self.now, session)
        return self._store.put(made, updated_at and in_utc(updated_at))

    def update(self, id: str, *, updated_at: datetime | None = None, **fields: Any) -> None:
        """Changes fields of a session, as `make_session` takes them; it is updated now, or at `updated_at`.

        Raises:
            KeyError: There is no such session.
            ValueError: A time has no time zone.
        """
        changed = build_session(fields, self.now, self._store.session(id))
        self._store.replace(id, changed, updated_at and in_utc(updated_at))

    def remove(self, id: str) -> None:
        """Removes a session.

        Raises:
            KeyError: There is no such session.
        """
        self._store.remove(id)

    def fail(self, what: int | FaultName, times: int = 1, retry_after: float | None = 0) -> None:
        """Lets the next requests fail, whatever they are; faults come in the order of the calls.

        Args:
            what: A status, `"drop"` (closes the connection without a response), `"cut"` (sends half of the body), or
                `"slow"` (no response until the mock stops; give the client a short `timeout`).
            times: How many requests fail.
            retry_after: Seconds of the header `Retry-After`, for a status that a client may retry; 0 lets konvoai
                retry at once, and None sends no header.

        Raises:
            ValueError: There is no such fault.
        """
        if what not in get_args(FaultName) and not (type(what) is int and 300 <= what <= 599):
            raise ValueError(f'what must be a status from 300 to 599, "drop", "cut" or "slow", not {what!r}')
        fault: Fault = what
        if isinstance(what, int) and retry_after is not None and (what in (408, 429) or what >= 500):
            fault = what, {"Retry-After": f"{retry_after or SOON:g}"}
        with self._lock:
            self._faults += [fault] * times

    def limit(self, requests: int, seconds: float = 1.0) -> None:
        """Responds with status 429 to more than so many requests within so many seconds; `Retry-After` says when."""
        if requests < 1 or not 0 < seconds < math.inf:
            raise ValueError("limit needs at least 1 request, and a number of seconds above 0")
        with self._lock:
            self._limit = requests, seconds
            self._times.clear()

    def _next_fault(self, request: Request) -> Fault:
        with self._lock:
            return self._faults.popleft() if self._faults else self._rate_limit()

    def _rate_limit(self) -> Fault:
        if self._limit is None:
            return None
        requests, seconds = self._limit
        now = time.monotonic()
        while self._times and self._times[0] <= now - seconds:
            self._times.popleft()
        if len(self._times) >= requests:
            return 429, {"Retry-After": f"{self._times[0] + seconds - now + 0.001:.3f}"}
        self._times.append(now)
        return None


def validate(
    sessions: int = 0,
    now: datetime | None = None,
    page_base: int = 0,
    order: str = "updated",
    filters: str | None = None,
    cap: int = 1,
    count: Any = "true",
) -> None:
    if sessions < 0:
        raise ValueError(f"sessions must be 0 or above, not {sessions}")
    if now is not None:
        in_utc(now)
    if page_base < 0:
        raise ValueError(f"page_base must be 0 or above, not {page_base}")
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
    if filters not in ("created", "updated", None):
        raise ValueError(f'filters must be "created", "updated" or None, not {filters!r}')
    if not 1 <= cap <= MAX_LIMIT:
        raise ValueError(f"cap must be from 1 to {MAX_LIMIT}, not {cap}")
    if not callable(count) and count not in ("true", *COUNTS):
        raise ValueError(f"count must be one of true, {', '.join(COUNTS)}, or a function of the true total")
