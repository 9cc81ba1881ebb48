"""One list operation with its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .._arguments import parameters_of, wire_time
from .._decoding.drift import Drift
from .._decoding.parse import DecodedPage
from .._pagination.list_flow import ListFlow
from .._pagination.protocol import DEFAULT_LAG, Bounds, Flow, Page, PageRequest, ServerTraits, Window
from .._pagination.scan_flow import ScanFlow
from .._pagination.simple_flows import as_windows, one_page
from .columns import needed_flags, tables_of

if TYPE_CHECKING:
    from .._tables.tables import Tables


class ListQuery(NamedTuple):
    """One list operation with its arguments: its flows and its requests, whatever sends them.

    Attributes:
        build: The generated request builder.
        decode: Decodes the body of a response.
        bounds: The lower and upper time filter, each an aware datetime or None.
        include: The parameters that add fields to each record; a count leaves them out.
        filters: The other parameters of the operation.
        envelope: The generated class of a response.
        added_fields: The fields that each of these parameters adds.
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
    envelope: type
    added_fields: Mapping[str, Sequence[str]]
    traits: ServerTraits
    lag: timedelta = DEFAULT_LAG
    filters: Mapping[str, Any] = MappingProxyType({})

    def pages(self) -> Flow[Page[Any]]:
        parameters = parameters_of(self.build)
        if parameters.page is None:
            return one_page(PageRequest(None, *self.bounds))
        timed, now = parameters.times is not None, partial(datetime.now, UTC)
        return ListFlow[Any](self.page, self.bounds, self.limit, self.concurrency, now, self.traits, timed=timed).read()

    def windows(self) -> Flow[Window[Any]]:
        if parameters_of(self.build).times is None:
            return as_windows(self.pages(), datetime.now(UTC))
        now = partial(datetime.now, UTC)
        return ScanFlow[Any](self.bounds, self.limit, self.concurrency, now, self.traits, self.lag).read()

    def request(self, request: PageRequest) -> dict[str, Any]:
        return self.build(**self.filters, **self.include, **self._parameters(request, self.limit))

    def count_request(self) -> dict[str, Any]:
        return self.build(**self.filters, **self._parameters(PageRequest(None, *self.bounds), 1))

    def tables(self, columns: Sequence[str] | None, raw: bool) -> tuple[ListQuery, Tables]:
        tables, include = tables_of(self.envelope, columns, raw), self.include
        if columns is not None:
            include = needed_flags(tables, include, self.added_fields, raw)
        return self._replace(decode=tables.decode, include=include), tables

    def _parameters(self, request: PageRequest, limit: int) -> dict[str, Any]:
        """Returns the page and the times of a request, by the names that the operation has for them."""
        names = parameters_of(self.build)
        minimum, maximum = names.times or (None, None)
        values = {names.page: request.page, names.limit: limit, minimum: wire_time(request.minimum)}
        values[maximum] = wire_time(request.maximum, round_up=True)
        return {name: value for name, value in values.items() if name and value is not None}

    def __str__(self) -> str:
        request = self.build(**self.filters)
        return f"{request['method'].upper()} {request['url']}"
