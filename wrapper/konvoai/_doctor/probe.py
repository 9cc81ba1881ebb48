"""Questions to a server, what became of each, and the report that they fill."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from .._pagination.page_tracker import same
from .._pagination.protocol import PageRequest
from .._resources import ListQuery
from ..errors import APIStatusError, KonvoError, ResponseValidationError

T = TypeVar("T")
MISSING = object()
"""The `count` of an answer that has none."""


class BudgetExhausted(KonvoError):
    """There is no request left to send."""


class Probe(NamedTuple):
    """A request, as a generated builder makes it, and the key that goes with it."""

    request: dict[str, Any]
    key: Literal["own", "wrong", "none"] = "own"


class Reply(NamedTuple):
    """What became of a question.

    Attributes:
        items: The records of the answer; none where there is an error.
        count: As it is in the answer's JSON, of whatever type, or MISSING.
        error: Why there are no records.
    """

    items: list[Any]
    count: Any = MISSING
    error: KonvoError | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None where no answer came."""
        if isinstance(self.error, APIStatusError | ResponseValidationError):
            return self.error.status_code
        return None if self.error else 200

    @property
    def failure(self) -> str:
        """Why nothing can be told from it."""
        if isinstance(self.error, APIStatusError):
            return f"the answer was {self.status}"
        if isinstance(self.error, ResponseValidationError):
            return "the answer is not what the document says"
        if isinstance(self.error, BudgetExhausted):
            return str(self.error)
        return f"no answer came ({type(self.error).__name__})"


ProbeFlow = Generator[Probe, Reply, T]


@dataclass
class Report:
    """What was found.

    Attributes:
        findings: Of each thing that the document leaves open, by its name, what the server does.
        deviations: Where the server does not do what the document says, each once.
        requests: How many were sent, those sent again included.
    """

    findings: dict[str, str] = field(default_factory=dict)
    deviations: list[str] = field(default_factory=list)
    requests: int = 0

    def add(self, name: str, finding: str) -> None:
        self.findings[name] = finding

    def unknown(self, name: str, why: str) -> None:
        self.findings[name] = f"could not be told, because {why}"

    def add_deviation(self, deviation: str) -> None:
        if deviation not in self.deviations:
            self.deviations.append(deviation)

    def lines(self) -> list[str]:
        """All of it in words."""
        deviations = "1 deviation" if len(self.deviations) == 1 else f"{len(self.deviations)} deviations"
        return [
            *(f"{name}: {finding}" for name, finding in self.findings.items()),
            *(f"deviation: {deviation}" for deviation in self.deviations),
            f"{self.requests} requests, {deviations} from the document",
        ]


def send_probe(
    query: ListQuery,
    report: Report,
    page: int | None = None,
    minimum: datetime | None = None,
    maximum: datetime | None = None,
    *,
    may_fail: bool = False,
) -> ProbeFlow[Reply]:
    """One request that the document allows.

    Args:
        may_fail: Whether a refusal is no deviation.
    """
    reply = yield Probe(query.request(PageRequest(page, minimum, maximum)))
    if isinstance(reply.error, ResponseValidationError):
        report.add_deviation(str(reply.error))
    elif isinstance(reply.error, APIStatusError) and not may_fail and reply.status != 429:
        report.add_deviation(f"a request that the document allows is answered {reply.status}")
    if len(reply.items) > query.limit:
        report.add_deviation("an answer has more records than `limit`")
    return reply


def same_page(one: Reply, other: Reply) -> bool:
    """Whether two answers are one page, even if a record came or went meanwhile."""
    return 2 * sum(contains(one.items, item) for item in other.items) > len(other.items)


def contains(items: Iterable[Any], item: Any) -> bool:
    return any(same(item, other) for other in items)
