"""Lists without pages, and lists without time filters read as a scan."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from ..errors import KonvoError
from .protocol import Flow, Page, PageRequest, Window
from .window_plan import BEGINNING


def one_page(request: PageRequest) -> Flow[Page[Any]]:
    """Reads a list without pages, by its only response."""
    response = yield [request]
    if response.error is not None:
        raise response.error
    if response.items:
        yield Page(0, response.items, response.count)


def as_windows(pages: Flow[Page[Any]], began: datetime) -> Flow[Window[Any]]:
    """Reads a list without time filters as a scan: windows without a width, and an empty one up to its beginning."""
    with suppress(StopIteration):
        step = next(pages)
        while True:
            try:
                response = yield Window(BEGINNING, BEGINNING, step.items) if isinstance(step, Page) else step
            except KonvoError as error:
                step = pages.throw(error)
            else:
                step = pages.send(response)
    yield Window(BEGINNING, began, [])
