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


class Spent(KonvoError):
    """There is no request left to send."""


class Question(NamedTuple):
    """A request, as a generated builder makes it, and the key that goes with it."""

    request: dict[str, Any]
    key: Literal["own", "wrong", "none"] = "own"


class Heard(NamedTuple):
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
    def why(self) -> str:
        """Why nothing can be told from it."""
        if isinstance(self.error, APIStatusError):
            return f"the answer was {self.status}"
        if isinstance(self.error, ResponseValidationError):
            return "the answer is not what the document says"
        return str(self.error) if isinstance(self.error, Spent) else f"no answer came ({type(self.error).__name__})"


Talk = Generator[Question, Heard, T]


@dataclass
class Report:
    """What was found.

    Attributes:
        findings: Of each thing that the document leaves open, by its name, what the server does.
        departures: Where the server does not do what the document says, each once.
        requests: How many were sent, those sent again included.
    """

    findings: dict[str, str] = field(default_factory=dict)
    departures: list[str] = field(default_factory=list)
    requests: int = 0

    def find(self, name: str, finding: str) -> None:
        self.findings[name] = finding

    def cannot(self, name: str, why: str) -> None:
        self.findings[name] = f"could not be told, because {why}"

    def depart(self, departure: str) -> None:
        if departure not in self.departures:
            self.departures.append(departure)

    def lines(self) -> list[str]:
        """All of it in words."""
        departures = "1 departure" if len(self.departures) == 1 else f"{len(self.departures)} departures"
        return [
            *(f"{name}: {finding}" for name, finding in self.findings.items()),
            *(f"departure: {departure}" for departure in self.departures),
            f"{self.requests} requests, {departures} from the document",
        ]


def ask(
    query: ListQuery,
    report: Report,
    page: int | None = None,
    minimum: datetime | None = None,
    maximum: datetime | None = None,
    *,
    may_refuse: bool = False,
) -> Talk[Heard]:
    """One request that the document allows.

    Args:
        may_refuse: Whether a refusal is no departure.
    """
    heard = yield Question(query.request(PageRequest(page, minimum, maximum)))
    if isinstance(heard.error, ResponseValidationError):
        report.depart(str(heard.error))
    elif isinstance(heard.error, APIStatusError) and not may_refuse and heard.status != 429:
        report.depart(f"a request that the document allows is answered {heard.status}")
    if len(heard.items) > query.limit:
        report.depart("an answer has more records than `limit`")
    return heard


def alike(one: Heard, other: Heard) -> bool:
    """Whether two answers are one page, even if a record came or went meanwhile."""
    return 2 * sum(among(item, one.items) for item in other.items) > len(other.items)


def among(item: Any, items: Iterable[Any]) -> bool:
    return any(same(item, other) for other in items)
