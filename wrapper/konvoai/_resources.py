"""The resources of the API: each list operation with its parameters, once for the sync and the async client."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from konvo_api_client.api.ai_sessions import list_ai_sessions

from ._arguments import (
    Parameters,
    Range,
    parameters_of,
    validate_int,
    validate_lag,
    validate_period,
    wire_values,
    with_return_type,
)
from ._decoding.page import decode_page
from ._decoding.records import decode_raw_page
from ._pagination.protocol import Bounds, ServerTraits
from ._query.columns import tables_of
from ._query.list_query import ListQuery
from .models import AISessionResponse

if TYPE_CHECKING:
    import pyarrow


ListT = TypeVar("ListT")
ScanT = TypeVar("ScanT")
MAX_LIMIT = 200
DEFAULT_LIMIT = 100  # where the API document has no maximum
DEFAULT_CONCURRENCY = 8
MAX_PAGE = 2**31 - 1


class Resource(Generic[ListT, ScanT]):
    """A list operation: its generated request builder and the generated class of its response.

    What it takes and gives is read from these (`parameters_of`, `envelope_of`); the rest is the API document's.
    """

    build: ClassVar[Callable[..., dict[str, Any]]]
    envelope: ClassVar[type]
    command: ClassVar[str]
    """The name of its command group: `konvo sessions`."""
    flags: ClassVar[Mapping[str, str]]
    """What each flag of the operation adds to a record, by its parameter's name; shown by `--help`."""
    filters: ClassVar[Mapping[str, str]] = {}
    """What each other parameter does, but those of pages and times; shown by `--help`."""
    ranges: ClassVar[Mapping[str, Range]] = {}
    """The least and the greatest value of each number among these."""
    max_limit: ClassVar[int | None] = MAX_LIMIT
    """The most records of a page; None where the API document does not say."""
    added_fields: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The fields that each flag adds to a record, by which the columns of a table decide about the flag."""

    def __init__(self, paginate: Callable[[ListQuery], ListT], scan: Callable[[ListQuery], ScanT]) -> None:
        for name, result in (("list", paginate), ("scan", scan)):
            if method := getattr(self, name, None):
                setattr(self, name, with_return_type(method, getattr(result, "func", result)))
        self._paginate = paginate
        self._scan = scan
        self._traits = ServerTraits()

    def arrow_schema(self, columns: Sequence[str] | None = None) -> "pyarrow.Schema":
        """Returns the Arrow types of the columns, which docs/columns.md lists; None is every column.

        Raises:
            KonvoError: pyarrow is not installed.
            ValueError: A column does not exist.
        """
        return tables_of(self.envelope, columns).schema

    def _query(
        self, bounds: Bounds, concurrency: int, *, page: int | None = None, limit: int | None = None, **arguments: Any
    ) -> ListQuery:
        names = self.parameters()
        limit = self.default_limit() if limit is None else limit
        values = wire_values(arguments, names, self.ranges)
        return ListQuery(
            build=self.build,
            decode=partial(decode_page, self.envelope),
            page=None if page is None else validate_int(names.page or "page", page, 0, MAX_PAGE),
            limit=validate_int(names.limit or "limit", limit, 1, self.max_limit),
            concurrency=validate_int("concurrency", concurrency, 1),
            bounds=validate_period(names.times, bounds),
            traits=self._traits,
            include={name: value for name, value in values.items() if name in self.flags},
            filters={name: value for name, value in values.items() if name not in self.flags},
            envelope=self.envelope,
            added_fields=self.added_fields,
        )

    def _scan_query(self, bounds: Bounds, concurrency: int, lag: timedelta | None, **arguments: Any) -> ListQuery:
        return self._query(bounds, concurrency, **arguments)._replace(lag=validate_lag(lag))

    @classmethod
    def parameters(cls) -> Parameters:
        return parameters_of(cls.build)

    @classmethod
    def default_limit(cls) -> int:
        return cls.max_limit or DEFAULT_LIMIT

    def __dir__(self) -> Iterable[str]:
        """Returns what a user calls, for completion."""
        return [name for name in super().__dir__() if name not in Resource.__annotations__]


class AISessions(Resource[ListT, ScanT]):
    """AI conversations, `konvo.ai_sessions` (`GET /ai-sessions`)."""

    build = staticmethod(list_ai_sessions._get_kwargs)
    envelope = AISessionResponse
    command = "sessions"
    flags: ClassVar[Mapping[str, str]] = {
        "messages": "Include the text messages.",
        "state": "Include the status and the state of the AI.",
    }
    added_fields: ClassVar[Mapping[str, Sequence[str]]] = {"messages": ("messages",), "state": ("status", "state")}

    def list(
        self,
        *,
        page: int | None = None,
        limit: int = MAX_LIMIT,
        updated_at_min: datetime | None = None,
        updated_at_max: datetime | None = None,
        messages: bool = False,
        state: bool = False,
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> ListT:
        """Returns every session exactly once, in the server's order; no request is sent until you iterate.

        Args:
            page: The page to start at, as the server numbers pages; None for the first, whatever its number. The list
                is then read from there on: sessions that move to an earlier page meanwhile are not searched for.
            limit: Sessions per request, 1 to 200.
            updated_at_min: Only sessions updated after this time, an aware datetime.
            updated_at_max: Only sessions updated before this time, an aware datetime.
            messages: Whether sessions include their text messages.
            state: Whether sessions include `status` and `state`.
            concurrency: The maximum number of requests in flight.

        Raises:
            ValueError: An argument is out of range, before any request is sent.
        """
        bounds = (updated_at_min, updated_at_max)
        return self._paginate(self._query(bounds, concurrency, page=page, limit=limit, messages=messages, state=state))

    def scan(
        self,
        *,
        updated_at_min: datetime | None = None,
        updated_at_max: datetime | None = None,
        messages: bool = False,
        state: bool = False,
        concurrency: int = DEFAULT_CONCURRENCY,
        lag: timedelta | None = None,
    ) -> ScanT:
        """Returns every session by time windows, the oldest update first: for backfills, and to resume from a window.

        Args:
            updated_at_min: Only sessions updated after this time, an aware datetime; `window.end` resumes there.
            updated_at_max: Only sessions updated before this time, an aware datetime; None reads up to now.
            messages: Whether sessions include their text messages.
            state: Whether sessions include `status` and `state`.
            concurrency: The maximum number of requests in flight.
            lag: How long after its time a change may become visible: `window.end` stays so far behind the server's
                now. None is 5 seconds.

        Raises:
            ValueError: An argument is out of range, before any request is sent.
        """
        bounds = (updated_at_min, updated_at_max)
        return self._scan(self._scan_query(bounds, concurrency, lag, messages=messages, state=state))


def list_records(
    resource: Resource[ListT, Any],
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
    **arguments: Any,
) -> ListT:
    """Returns a resource's list of raw `Record`s, within its time filters; errors are those of `list`."""
    return resource._paginate(raw(resource, resource._query((since, until), concurrency, limit=limit, **arguments)))


def scan_records(
    resource: Resource[Any, ScanT],
    since: datetime | None = None,
    until: datetime | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
    **arguments: Any,
) -> ScanT:
    """Returns a resource's scan of raw `Record`s, within its time filters; errors are those of `scan`."""
    return resource._scan(raw(resource, resource._query((since, until), concurrency, **arguments)))


def count_records(
    resource: Resource[Any, Any], since: datetime | None, until: datetime | None, **arguments: Any
) -> int | None:
    """Returns the server's total for such a list, from one request; None where the server sends no total."""
    total: int | None = resource._paginate(resource._query((since, until), 1, **arguments)).count()
    return total


def raw(resource: Resource[Any, Any], query: ListQuery) -> ListQuery:
    return query._replace(decode=partial(decode_raw_page, resource.envelope))
