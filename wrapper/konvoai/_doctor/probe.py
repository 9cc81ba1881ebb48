"""A probe, its reply, the report of the findings, and the list operation under test."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from .._arguments import Parameters, parameters_of
from .._pagination.protocol import Bounds, PageRequest
from .._pagination.record_keys import record_key
from .._query.list_query import ListQuery
from ..errors import APIStatusError, KonvoError, ResponseValidationError

T = TypeVar("T")
MISSING = object()  # the `count` of a response without one


class Unknown(Exception):
    """A check cannot decide a finding; the message is the reason."""


class Probe(NamedTuple):
    """A request, as a generated builder makes it, and which key to send with it."""

    request: dict[str, Any]
    key: Literal["own", "wrong", "none"] = "own"


class Reply(NamedTuple):
    """The records of the response, its `count` (any JSON value, or MISSING), and the error if there are no records."""

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
        """The error in words, without the server's own message; empty if there is none."""
        if isinstance(self.error, ResponseValidationError):
            return "the response does not match the API document"
        if self.error is None or type(self.error) is KonvoError:  # which the client itself raises
            return str(self.error or "")
        return f"status {self.status}" if self.status else f"no response ({type(self.error).__name__})"

    def records(self, least: int = 0) -> list[Any]:
        """The records; raises Unknown if the probe failed, or there are fewer than `least`."""
        if self.error or len(self.items) < least:
            raise Unknown(self.failure or ("no records" if least == 1 else f"fewer than {least} records"))
        return self.items


ProbeFlow = Generator[Probe, Reply, T]


@dataclass
class Report:
    """What a server does where the API document is silent, and where it deviates from it."""

    findings: dict[str, str] = field(default_factory=dict)
    deviations: list[str] = field(default_factory=list)  # each once
    requests: int = 0  # retries included

    def add(self, name: str, finding: str, deviation: str = "") -> None:
        self.findings[name] = finding
        self.add_deviation(deviation)

    def add_deviation(self, deviation: str) -> None:
        if deviation and deviation not in self.deviations:
            self.deviations.append(deviation)

    def lines(self) -> list[str]:
        """The report as text."""
        plural = "" if len(self.deviations) == 1 else "s"
        return [
            *(f"{name}: {finding}" for name, finding in self.findings.items()),
            *(f"deviation: {deviation}" for deviation in self.deviations),
            f"{self.requests} requests, {len(self.deviations)} deviation{plural} from the API document",
        ]


@dataclass
class Target:
    """The list operation under test, and what the checks so far know of it."""

    query: ListQuery
    report: Report
    now: datetime
    whole: Reply = field(init=False)  # the first page
    short: Reply = field(init=False)  # the first page of a small `limit`
    base: int | None = None  # the number of the first page; None if unknown, or `page` is ignored
    size: int | None = None  # the records of a full page; 0 if the first page has all, None if unknown
    filtered: list[Reply] = field(default_factory=list)  # to time filters that had an effect

    @property
    def names(self) -> Parameters:
        """The parameters of the operation."""
        return parameters_of(self.query.build)

    def send(self, page: int | None = None, bounds: Bounds = (None, None), limit: int = 0) -> ProbeFlow[Reply]:
        """Sends a valid request; a response other than a page of records is a deviation."""
        limit = limit or self.query.limit
        reply = yield Probe(self.query._replace(limit=limit).request(PageRequest(page, *bounds)))
        if isinstance(reply.error, ResponseValidationError):
            self.report.add_deviation(str(reply.error))
        elif isinstance(reply.error, APIStatusError) and reply.status != 429 and page != 0:  # page 0 need not exist
            self.report.add_deviation(f"a valid request gets status {reply.status}")
        if self.names.limit and len(reply.items) > limit:
            self.report.add_deviation("a response has more records than `limit`")
        return reply

    def run(self, check: ProbeFlow[None], *names: str) -> ProbeFlow[None]:
        """Runs a check; those of its findings that it cannot decide are unknown."""
        try:
            yield from check
        except Unknown as reason:
            for name in names:
                self.report.findings.setdefault(name, f"unknown: {reason}")


def same_page(one: Reply, other: Reply) -> bool:
    """Whether most records are the same, as one may be added or removed between two requests; may raise Unknown."""
    return 2 * sum(contains(one.records(), item) for item in other.records()) > len(other.items)


def contains(items: Iterable[Any], item: Any) -> bool:
    return record_key(item) in map(record_key, items)
