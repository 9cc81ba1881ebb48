"""The resources of the API: for each list operation its parameters, once, for the sync and the async client."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from konvo_api_client.api.ai_sessions import list_ai_sessions

from ._answer import read_answer
from ._paginator import ListQuery, taken_by
from ._reading import Bounds
from .models import AISessionResponse

ListT = TypeVar("ListT")
ScanT = TypeVar("ScanT")

MAX_LIMIT = 200
MAX_PAGE = 2**31 - 1


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
        taken = taken_by(self.build)
        flags = {name: flag(name, value) for name, value in include.items() if isinstance(taken[name].default, bool)}
        return ListQuery(
            build=self.build,
            read=partial(read_answer, self.envelope),
            page=None if page is None else whole("page", page, 0, MAX_PAGE),
            limit=whole("limit", limit, 1, MAX_LIMIT),
            concurrency=whole("concurrency", concurrency, 1),
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
        bounds = period(updated_at_min, updated_at_max)
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
        bounds = period(updated_at_min, updated_at_max)
        return self._scan(self._query(bounds, concurrency, messages=messages, state=state))


def whole(name: str, value: int, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        span = f"{least} or above" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {span}, not {value!r}")
    return value


def flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value


def period(updated_at_min: datetime | None, updated_at_max: datetime | None) -> Bounds:
    """The two time filters, in UTC."""
    minimum, maximum = instant("updated_at_min", updated_at_min), instant("updated_at_max", updated_at_max)
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError("updated_at_min must not be after updated_at_max: swap them")
    return minimum, maximum


def instant(name: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"{name} must be a datetime with a time zone, as datetime.now(UTC) is, not {value!r}")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} must be a time that UTC can tell, not {value!r}") from None
