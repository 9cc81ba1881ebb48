"""A probe of the server, its reply, the checks that send probes, and the report of their findings."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from .._pagination.page_tracker import same
from .._pagination.protocol import Bounds, PageRequest
from .._resources import MAX_LIMIT, ListQuery
from ..errors import APIStatusError, KonvoError, ResponseValidationError

T = TypeVar("T")
MISSING = object()
"""The `count` of a response without one."""


class BudgetExhausted(KonvoError):
    """No request is left to send."""


class Unknown(Exception):
    """A check cannot decide its findings; the message is the reason."""


class Probe(NamedTuple):
    """A request, as a generated builder makes it, and which key to send with it."""

    request: dict[str, Any]
    key: Literal["own", "wrong", "none"] = "own"


class Reply(NamedTuple):
    """The result of a probe.

    Attributes:
        items: The records of the response; none after an error.
        count: The JSON value of any type, or MISSING.
        error: Why there are no records.
    """

    items: list[Any]
    count: Any = MISSING
    error: KonvoError | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None without a response."""
        if isinstance(self.error, APIStatusError | ResponseValidationError):
            return self.error.status_code
        return None if self.error else 200

    @property
    def failure(self) -> str:
        """The error in words; empty without one."""
        if isinstance(self.error, APIStatusError):
            return f"the answer was {self.status}"
        if isinstance(self.error, ResponseValidationError):
            return "the answer is not what the document says"
        if isinstance(self.error, BudgetExhausted):
            return str(self.error)
        return f"no answer came ({type(self.error).__name__})" if self.error else ""

    def records(self, least: int = 0) -> list[Any]:
        """The records; raises Unknown where the probe failed, or there are fewer than `least`."""
        if self.error:
            raise Unknown(self.failure)
        if len(self.items) < least:
            raise Unknown("there are no records" if least == 1 else f"there are fewer than {least} records")
        return self.items


ProbeFlow = Generator[Probe, Reply, T]


@dataclass
class Report:
    """The findings about a server.

    Attributes:
        findings: By name, what the server does where the API document is silent.
        deviations: Where the server does not follow the API document, each once.
        requests: How many requests were sent, retries included.
    """

    findings: dict[str, str] = field(default_factory=dict)
    deviations: list[str] = field(default_factory=list)
    requests: int = 0

    def add(self, name: str, finding: str, deviation: str = "") -> None:
        self.findings[name] = finding
        if deviation:
            self.add_deviation(deviation)

    def add_deviation(self, deviation: str) -> None:
        if deviation not in self.deviations:
            self.deviations.append(deviation)

    def lines(self) -> list[str]:
        """The report as text."""
        deviations = "1 deviation" if len(self.deviations) == 1 else f"{len(self.deviations)} deviations"
        return [
            *(f"{name}: {finding}" for name, finding in self.findings.items()),
            *(f"deviation: {deviation}" for deviation in self.deviations),
            f"{self.requests} requests, {deviations} from the document",
        ]


@dataclass
class Target:
    """The list operation under test, and what the checks so far know of it."""

    query: ListQuery
    report: Report
    now: datetime
    whole: Reply = field(default_factory=lambda: Reply([]))  # the first page
    short: Reply = field(default_factory=lambda: Reply([]))  # the first page of a small `limit`
    base: int | None = None  # the number of the first page; None where it is unknown or `page` is ignored
    size: int | None = None  # the records of a full page; 0 where the first page is all, None where it is unknown
    filtered: list[Reply] = field(default_factory=list)  # where the time filters had an effect

    def send(self, page: int | None = None, bounds: Bounds = (None, None), limit: int = MAX_LIMIT) -> ProbeFlow[Reply]:
        """Sends a request that the API document allows; anything but a page of records is a deviation."""
        reply = yield Probe(self.query._replace(limit=limit).request(PageRequest(page, *bounds)))
        if isinstance(reply.error, ResponseValidationError):
            self.report.add_deviation(str(reply.error))
        elif isinstance(reply.error, APIStatusError) and reply.status != 429 and page != 0:  # page 0 may not exist
            self.report.add_deviation(f"a request that the document allows is answered {reply.status}")
        if len(reply.items) > limit:
            self.report.add_deviation("an answer has more records than `limit`")
        return reply

    def run(self, check: ProbeFlow[None], *names: str) -> ProbeFlow[None]:
        """Runs a check; those of its findings that it cannot decide are unknown."""
        try:
            yield from check
        except Unknown as reason:
            for name in names:
                self.report.findings.setdefault(name, f"could not be told, because {reason}")


def same_page(one: Reply, other: Reply) -> bool:
    """Whether most records are the same: one may be added or removed between two requests for a page."""
    return 2 * sum(contains(one.items, item) for item in other.items) > len(other.items)


def contains(items: Iterable[Any], item: Any) -> bool:
    return any(same(item, other) for other in items)
