"""The resources of the API: each list operation with its parameters, once for the sync and the async client."""

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from konvo_api_client.api.ai_sessions import list_ai_sessions

from ._decoding.drift import Drift
from ._decoding.page import decode_page
from ._decoding.parse import DecodedPage
from ._decoding.records import decode_raw_page
from ._pagination.list_flow import ListFlow
from ._pagination.protocol import MILLISECOND, Bounds, Flow, Page, PageRequest, ServerTraits, Window
from ._pagination.scan_flow import ScanFlow
from .models import AISessionResponse

ListT = TypeVar("ListT")
ScanT = TypeVar("ScanT")
MAX_LIMIT = 200
MAX_PAGE = 2**31 - 1
LAST_MILLISECOND = datetime.max.replace(microsecond=999_000, tzinfo=UTC)


class ListQuery(NamedTuple):
    """One list operation with its arguments: its flows and its requests, whatever sends them.

    Attributes:
        build: The generated request builder.
        decode: Decodes the body of a response.
        bounds: The lower and upper time filter, each an aware datetime or None.
        include: The parameters that add fields to each record; a count leaves them out.
        traits: What the client knows about its server, or None.
    """

    build: Callable[..., dict[str, Any]]
    decode: Callable[[bytes, Drift], DecodedPage]
    page: int | None
    limit: int
    concurrency: int
    bounds: Bounds
    include: dict[str, Any]
    traits: ServerTraits | None = None

    def pages(self) -> Flow[Page[Any]]:
        timed, now = "updated_at_min" in parameters_of(self.build), partial(datetime.now, UTC)
        return ListFlow[Any](self.page, self.bounds, self.limit, self.concurrency, now, self.traits, timed=timed).read()

    def windows(self) -> Flow[Window[Any]]:
        now = partial(datetime.now, UTC)
        return ScanFlow[Any](self.bounds, self.limit, self.concurrency, now, self.traits).read()

    def request(self, request: PageRequest) -> dict[str, Any]:
        return self.build(limit=self.limit, **self.include, **self._parameters(request))

    def count_request(self) -> dict[str, Any]:
        return self.build(limit=1, **self._parameters(PageRequest(None, *self.bounds)))

    def _parameters(self, request: PageRequest) -> dict[str, Any]:
        """Returns the parameters of a request that the operation accepts."""
        minimum, maximum = wire_time(request.minimum), wire_time(request.maximum, round_up=True)
        parameters = {"page": request.page, "updated_at_min": minimum, "updated_at_max": maximum}
        accepted = parameters_of(self.build)
        return {name: value for name, value in parameters.items() if value is not None and name in accepted}

    def __str__(self) -> str:
        request = self.build()
        return f"{request['method'].upper()} {request['url']}"


class WireTime(str):
    """A time as it is sent; generated builders call `isoformat` where the API document says `format: date-time`."""

    __slots__ = ()

    def isoformat(self) -> str:
        return self


def wire_time(time: datetime | None, *, round_up: bool = False) -> WireTime | None:
    """Returns a UTC time as RFC 3339 with milliseconds and `Z`, which strict servers require; bounds never shrink."""
    if time is None:
        return None
    if round_up and time.microsecond % 1000 and time < LAST_MILLISECOND:
        time += MILLISECOND
    return WireTime(time.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


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

    def __init__(self, paginate: Callable[[ListQuery], ListT], scan: Callable[[ListQuery], ScanT]) -> None:
        self._paginate = paginate
        self._scan = scan

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

    def list(
        self,
        *,
        page: int | None = None,
        limit: int = MAX_LIMIT,
        updated_at_min: datetime | None = None,
        updated_at_max: datetime | None = None,
        messages: bool = False,
        state: bool = False,
        concurrency: int = 4,
    ) -> ListT:
        """Returns every session exactly once, in the server's order; no request is sent until you iterate.

        Args:
            page: The page to start at, as the server numbers pages; None for the first, whatever its number.
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
        concurrency: int = 4,
    ) -> ScanT:
        """Returns every session by time windows, the oldest update first: for backfills, and to resume from a window.

        Args:
            updated_at_min: Only sessions updated after this time, an aware datetime; `window.end` resumes there.
            updated_at_max: Only sessions updated before this time, an aware datetime; None reads up to now.
            messages: Whether sessions include their text messages.
            state: Whether sessions include `status` and `state`.
            concurrency: The maximum number of requests in flight.

        Raises:
            ValueError: An argument is out of range, before any request is sent.
        """
        bounds = validate_period(updated_at_min, updated_at_max)
        return self._scan(self._query(bounds, concurrency, messages=messages, state=state))


def list_records(
    resource: Resource[ListT, Any],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    limit: int = 200,
    concurrency: int = 4,
    **include: Any,
) -> ListT:
    """Returns a resource's list of raw `Record`s; arguments and errors are those of `list`."""
    query = resource._query(validate_period(updated_at_min, updated_at_max), concurrency, limit=limit, **include)
    return resource._paginate(query._replace(decode=decode_raw_page))


def scan_records(
    resource: Resource[Any, ScanT],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    concurrency: int = 4,
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


def validate_int(name: str, value: int, minimum: int, maximum: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum or value > (maximum or value):
        span = f"{minimum} or above" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name} must be a whole number {span}, not {value!r}")
    return value


def validate_flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value


def validate_period(updated_at_min: datetime | None, updated_at_max: datetime | None) -> Bounds:
    """Returns the two time filters in UTC."""
    minimum, maximum = validate_time("updated_at_min", updated_at_min), validate_time("updated_at_max", updated_at_max)
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError("updated_at_min must not be after updated_at_max: swap them")
    return minimum, maximum


def validate_time(name: str, value: datetime | None) -> datetime | None:
    """Returns a plain `datetime` in UTC, whatever kind of aware datetime came in (pandas, pendulum, zoneinfo)."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"{name} must be a datetime with a time zone, such as datetime.now(UTC), not {value!r}")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} must be within the years 1 to 9999 in UTC, not {value!r}") from None
    return datetime.combine(utc.date(), utc.time(), UTC)
