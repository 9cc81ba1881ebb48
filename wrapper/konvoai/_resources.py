"""The resources of the API: each list operation with its parameters, once for the sync and the async client."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from konvo_api_client.api.ai_sessions import list_ai_sessions

from ._arguments import validate_flag, validate_int, validate_lag, validate_period, wire_time
from ._decoding.drift import Drift
from ._decoding.page import decode_page, record_type
from ._decoding.parse import DecodedPage
from ._decoding.records import decode_raw_page
from ._pagination.list_flow import ListFlow
from ._pagination.protocol import DEFAULT_LAG, Bounds, Flow, Page, PageRequest, ServerTraits, Window
from ._pagination.scan_flow import ScanFlow
from .errors import KonvoError
from .models import AISessionResponse

if TYPE_CHECKING:
    import pyarrow

    from ._tables.tables import Tables

ListT = TypeVar("ListT")
ScanT = TypeVar("ScanT")
MAX_LIMIT = 200
DEFAULT_CONCURRENCY = 8
MAX_PAGE = 2**31 - 1


class ListQuery(NamedTuple):
    """One list operation with its arguments: its flows and its requests, whatever sends them.

    Attributes:
        build: The generated request builder.
        decode: Decodes the body of a response.
        bounds: The lower and upper time filter, each an aware datetime or None.
        include: The parameters that add fields to each record; a count leaves them out.
        added_fields: The fields that each of these parameters adds.
        model: The generated class of a record.
        traits: What the client knows about its server.
        lag: How far behind the server's now a scan stays with `window.end`.
    """

    build: Callable[..., dict[str, Any]]
    decode: Callable[[bytes, Drift], DecodedPage]
    page: int | None
    limit: int
    concurrency: int
    bounds: Bounds
    include: dict[str, Any]
    added_fields: Mapping[str, Sequence[str]]
    model: type
    traits: ServerTraits
    lag: timedelta = DEFAULT_LAG

    def pages(self) -> Flow[Page[Any]]:
        timed, now = "updated_at_min" in parameters_of(self.build), partial(datetime.now, UTC)
        return ListFlow[Any](self.page, self.bounds, self.limit, self.concurrency, now, self.traits, timed=timed).read()

    def windows(self) -> Flow[Window[Any]]:
        now = partial(datetime.now, UTC)
        return ScanFlow[Any](self.bounds, self.limit, self.concurrency, now, self.traits, self.lag).read()

    def request(self, request: PageRequest) -> dict[str, Any]:
        return self.build(limit=self.limit, **self.include, **self._parameters(request))

    def count_request(self) -> dict[str, Any]:
        return self.build(limit=1, **self._parameters(PageRequest(None, *self.bounds)))

    def tables(self, columns: Sequence[str] | None, raw: bool) -> "tuple[ListQuery, Tables]":
        tables, include = tables_of(self.model, columns, raw), self.include
        if columns is not None:
            names = {column.path[0] for column in tables.columns if column.path}
            needed = {flag: not names.isdisjoint(fields) for flag, fields in self.added_fields.items()}
            include = {**include, **{flag: need or (raw and include[flag]) for flag, need in needed.items()}}
        return self._replace(decode=tables.decode, include=include), tables

    def _parameters(self, request: PageRequest) -> dict[str, Any]:
        """Returns the parameters of a request that the operation accepts."""
        minimum, maximum = wire_time(request.minimum), wire_time(request.maximum, round_up=True)
        parameters = {"page": request.page, "updated_at_min": minimum, "updated_at_max": maximum}
        accepted = parameters_of(self.build)
        return {name: value for name, value in parameters.items() if value is not None and name in accepted}

    def __str__(self) -> str:
        request = self.build()
        return f"{request['method'].upper()} {request['url']}"


@functools.cache
def parameters_of(build: Callable[..., dict[str, Any]]) -> Mapping[str, inspect.Parameter]:
    """Returns the parameters of a generated request builder."""
    return inspect.signature(build).parameters


class Resource(Generic[ListT, ScanT]):
    """A list operation: its generated request builder and the generated class of its response."""

    build: ClassVar[Callable[..., dict[str, Any]]]
    envelope: ClassVar[type]
    command: ClassVar[str]
    """The name of its command group: `konvo sessions`."""
    flags: ClassVar[Mapping[str, str]]
    """What each flag of the operation adds to a record, by its parameter's name; shown by `--help`."""
    added_fields: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The fields that each flag adds to a record, by which the columns of a table decide about the flag."""

    def __init__(self, paginate: Callable[[ListQuery], ListT], scan: Callable[[ListQuery], ScanT]) -> None:
        self._paginate = paginate
        self._scan = scan
        self._traits = ServerTraits()

    def arrow_schema(self, columns: Sequence[str] | None = None) -> "pyarrow.Schema":
        """Returns the Arrow types of the columns, which docs/columns.md lists; None is every column.

        Raises:
            KonvoError: pyarrow is not installed.
            ValueError: A column does not exist.
        """
        return tables_of(record_type(self.envelope), columns).schema

    def _query(
        self, bounds: Bounds, concurrency: int, *, page: int | None = None, limit: int = MAX_LIMIT, **include: Any
    ) -> ListQuery:
        accepted = parameters_of(self.build)
        flags = {
            name: validate_flag(name, value)
            for name, value in include.items()
            if isinstance(accepted[name].default, bool)
        }
        return ListQuery(
            build=self.build,
            decode=partial(decode_page, self.envelope),
            page=None if page is None else validate_int("page", page, 0, MAX_PAGE),
            limit=validate_int("limit", limit, 1, MAX_LIMIT),
            concurrency=validate_int("concurrency", concurrency, 1),
            bounds=bounds,
            traits=self._traits,
            added_fields=self.added_fields,
            model=record_type(self.envelope),
            include={name: value for name, value in {**include, **flags}.items() if value is not None},
        )


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
        bounds = validate_period(updated_at_min, updated_at_max)
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
        query = self._query(
            validate_period(updated_at_min, updated_at_max), concurrency, messages=messages, state=state
        )
        return self._scan(query._replace(lag=DEFAULT_LAG if lag is None else validate_lag(lag)))


def tables_of(model: type, columns: Sequence[str] | None, raw: bool = False) -> "Tables":
    try:
        from ._tables.tables import Tables
    except ModuleNotFoundError:
        raise KonvoError("Arrow tables need pyarrow: pip install 'konvoai[arrow]'") from None
    return Tables.of(model, columns, raw)


def list_records(
    resource: Resource[ListT, Any],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    limit: int = 200,
    concurrency: int = DEFAULT_CONCURRENCY,
    **include: Any,
) -> ListT:
    """Returns a resource's list of raw `Record`s; arguments and errors are those of `list`."""
    query = resource._query(validate_period(updated_at_min, updated_at_max), concurrency, limit=limit, **include)
    return resource._paginate(query._replace(decode=decode_raw_page))


def scan_records(
    resource: Resource[Any, ScanT],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
    **include: Any,
) -> ScanT:
    """Returns a resource's scan of raw `Record`s; arguments and errors are those of `scan`."""
    query = resource._query(validate_period(updated_at_min, updated_at_max), concurrency, **include)
    return resource._scan(query._replace(decode=decode_raw_page))


def count_records(
    resource: Resource[Any, Any], updated_at_min: datetime | None, updated_at_max: datetime | None
) -> int | None:
    """Returns the server's total for such a list, from one request; None where the server sends no total."""
    total: int | None = resource._paginate(resource._query(validate_period(updated_at_min, updated_at_max), 1)).count()
    return total
