"""The resources of the API: for each list operation its parameters, once, for the sync and the async client."""

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from konvo_api_client.api.ai_sessions import list_ai_sessions

from ._decoding.drift import Drift
from ._decoding.page import DecodedPage, decode_page
from ._decoding.records import decode_raw_page
from ._pagination.list_flow import ListFlow
from ._pagination.protocol import Bounds, Flow, Page, PageRequest, ServerTraits, Window
from ._pagination.scan_flow import ScanFlow
from .models import AISessionResponse

ListT = TypeVar("ListT")
ScanT = TypeVar("ScanT")
MAX_LIMIT = 200
MAX_PAGE = 2**31 - 1


class ListQuery(NamedTuple):
    """One list operation with its arguments: which requests it takes, apart from how they are sent.

    Attributes:
        build: The generated request builder.
        decode: Decodes the body of an answer.
        bounds: The times between which records are asked for.
        include: The parameters that add to each record, which no count needs.
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
        timed = "updated_at_min" in parameters_of(self.build)
        now = partial(datetime.now, UTC)
        traits = self.traits or ServerTraits()
        return ListFlow[Any](self.page, self.bounds, self.limit, self.concurrency, now, traits, timed=timed).read()

    def windows(self) -> Flow[Window[Any]]:
        now = partial(datetime.now, UTC)
        return ScanFlow[Any](self.bounds, self.limit, self.concurrency, now, self.traits).read()

    def request(self, ask: PageRequest) -> dict[str, Any]:
        return self.build(limit=self.limit, **self.include, **self._given(ask))

    def count_request(self) -> dict[str, Any]:
        return self.build(limit=1, **self._given(PageRequest(None, *self.bounds)))

    def _given(self, ask: PageRequest) -> dict[str, Any]:
        """The parameters of a request, those left out that the operation does not take."""
        parameters = {"page": ask.page, "updated_at_min": ask.minimum, "updated_at_max": ask.maximum}
        taken = parameters_of(self.build)
        return {name: value for name, value in parameters.items() if value is not None and name in taken}

    def __str__(self) -> str:
        request = self.build()
        return f"{request['method'].upper()} {request['url']}"


@functools.cache
def parameters_of(build: Callable[..., dict[str, Any]]) -> Mapping[str, inspect.Parameter]:
    """The parameters of a generated request builder."""
    return inspect.signature(build).parameters


class Resource(Generic[ListT, ScanT]):
    """A list operation: a resource names its generated request builder and the class of its answer."""

    build: ClassVar[Callable[..., dict[str, Any]]]
    envelope: ClassVar[type]

    def __init__(self, paginate: Callable[[ListQuery], ListT], scan: Callable[[ListQuery], ScanT]) -> None:
        self._paginate = paginate
        self._scan = scan

    def _query(
        self, bounds: Bounds, concurrency: int, *, page: int | None = None, limit: int = MAX_LIMIT, **include: Any
    ) -> ListQuery:
        taken = parameters_of(self.build)
        flags = {
            name: validate_flag(name, value) for name, value in include.items() if isinstance(taken[name].default, bool)
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
    """The AI conversations, `konvo.ai_sessions`."""

    build = staticmethod(list_ai_sessions._get_kwargs)
    envelope = AISessionResponse

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
        """Every session, each once, in the server's order (`GET /ai-sessions`). Nothing is asked before it is read.

        Args:
            page: Where to start, as the server numbers pages; None for the first, whatever its number.
            limit: Sessions a request, 1 to 200.
            updated_at_min: Only sessions after this time, an aware datetime.
            updated_at_max: Only sessions before this time, an aware datetime.
            messages: Whether sessions come with their text messages.
            state: Whether sessions come with `status` and `state`.
            concurrency: Requests in flight at most.

        Raises:
            ValueError: An argument that no request could serve; said before any is sent.
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
        """Every session by windows of time, the oldest update first: the way to read a lot, or to go on from before.

        Args:
            updated_at_min: Only sessions after this time, an aware datetime; as the end of a window, it goes on there.
            updated_at_max: Only sessions before this time, an aware datetime; None goes on to the server's now.
            messages: Whether sessions come with their text messages.
            state: Whether sessions come with `status` and `state`.
            concurrency: Requests in flight at most.

        Raises:
            ValueError: An argument that no request could serve; said before any is sent.
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
    """A resource's list, of `Record`s; arguments and errors are those of the resource's own."""
    query = resource._query(validate_period(updated_at_min, updated_at_max), concurrency, limit=limit, **include)
    return resource._paginate(query._replace(decode=decode_raw_page))


def scan_records(
    resource: Resource[Any, ScanT],
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    concurrency: int = 4,
    **include: Any,
) -> ScanT:
    """A resource's scan, of `Record`s; arguments and errors are those of the resource's own."""
    query = resource._query(validate_period(updated_at_min, updated_at_max), concurrency, **include)
    return resource._scan(query._replace(decode=decode_raw_page))


def count_records(
    resource: Resource[Any, Any], updated_at_min: datetime | None, updated_at_max: datetime | None
) -> int | None:
    """The server's total for such a list, by one request; None where it tells none."""
    total: int | None = resource._paginate(resource._query(validate_period(updated_at_min, updated_at_max), 1)).count()
    return total


def validate_int(name: str, value: int, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        span = f"{least} or above" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {span}, not {value!r}")
    return value


def validate_flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value


def validate_period(updated_at_min: datetime | None, updated_at_max: datetime | None) -> Bounds:
    """The two time filters, in UTC."""
    minimum, maximum = validate_time("updated_at_min", updated_at_min), validate_time("updated_at_max", updated_at_max)
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError("updated_at_min must not be after updated_at_max: swap them")
    return minimum, maximum


def validate_time(name: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"{name} must be a datetime with a time zone, as datetime.now(UTC) is, not {value!r}")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} must be a time that UTC can tell, not {value!r}") from None
