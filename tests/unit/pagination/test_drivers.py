"""The drivers of a flow, with flows and senders of the test."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Generator
from typing import Any

import pytest

from konvoai import KonvoError, Page
from konvoai._pagination.drivers import run, run_async
from konvoai._pagination.protocol import Flow, PageRequest, PageResponse


class Record:
    pass


def flow(pages: int, in_flight: int) -> Flow[Page[Record]]:
    """Yield the pages in order; no variable holds what was yielded."""
    for number in range(pages):
        first = number == 0
        wanted = range(in_flight) if first else range(number + in_flight - 1, min(number + in_flight, pages))
        yield Page(number, (yield [PageRequest(page, None, None) for page in wanted]).items, None)


class Decoder:
    """Makes the records of each response, and notes how many of earlier ones are alive."""

    def __init__(self) -> None:
        self.records: list[weakref.ref[Record]] = []
        self.alive: list[int] = []

    def decode(self) -> PageResponse[Any]:
        self.alive.append(sum(record() is not None for record in self.records))
        made = [Record()]
        self.records.append(weakref.ref(made[0]))
        return PageResponse(made, None)


@pytest.fixture(autouse=True)
def no_garbage_collection() -> Generator[None, None, None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_page_is_let_go_before_the_next_is_decoded(in_flight: int) -> None:
    decoder = Decoder()
    numbers = []
    for page in run(flow(20, in_flight), lambda request, stop: decoder.decode, in_flight):
        numbers.append(page.number)
        del page
    assert numbers == list(range(20))
    assert decoder.alive == [0] * 20


def test_a_page_is_let_go_before_the_next_task() -> None:
    decoder = Decoder()

    async def send(request: PageRequest) -> PageResponse[Any]:
        return decoder.decode()

    async def read() -> list[int]:
        numbers = []
        async for page in run_async(flow(20, 1), send, 1):
            numbers.append(page.number)
            del page
        return numbers

    assert asyncio.run(read()) == list(range(20))
    assert decoder.alive == [0] * 20


@pytest.mark.parametrize("error", [KonvoError("lost"), OSError("of a hook"), KeyboardInterrupt()])
def test_an_error_of_a_thread_is_raised_and_ends_all(error: BaseException) -> None:
    stopped: list[threading.Event] = []

    def send(request: PageRequest, stop: threading.Event) -> Any:
        if request.page == 1:
            raise error
        if request.page == 2:
            stop.wait()
            stopped.append(stop)
        return Decoder().decode

    reading = run(flow(9, 3), send, 3)
    assert next(reading).number == 0
    with pytest.raises(type(error)) as caught:
        next(reading)
    assert caught.value is error
    assert len(stopped) == 1
    assert [thread for thread in threading.enumerate() if thread.name == "konvoai"] == []
