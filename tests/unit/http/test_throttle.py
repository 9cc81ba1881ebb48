import math

from hypothesis import given
from hypothesis import strategies as st

from konvoai._http.throttle import Throttle


def test_an_open_gate_lets_all_through() -> None:
    throttle = Throttle()
    assert [throttle.acquire(0.0) for _ in range(100)] == [0.0] * 100
    assert throttle.in_flight == 100


def test_a_shut_gate_tells_how_long() -> None:
    throttle = Throttle()
    throttle.pause_until(10.0)
    throttle.pause_until(7.0)
    assert throttle.acquire(4.0) == 6.0
    assert throttle.in_flight == 0
    assert throttle.acquire(10.0) == 0.0


def test_after_a_429_half_as_many_are_in_flight_and_the_rest_wait_to_be_told() -> None:
    throttle = Throttle()
    for _ in range(8):
        throttle.acquire(0.0)
    throttle.on_response(429, sent_at=0.0, now=1.0)
    for _ in range(4):
        throttle.release()
    assert throttle.acquire(2.0) == math.inf
    throttle.release()
    assert throttle.acquire(2.0) == 0.0


def test_requests_that_were_under_way_narrow_it_once() -> None:
    throttle = Throttle()
    for _ in range(8):
        throttle.acquire(0.0)
    for _ in range(8):
        throttle.on_response(429, sent_at=0.0, now=1.0)
        throttle.release()
    assert [throttle.acquire(2.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, math.inf]


def test_one_more_is_let_through_after_as_many_answers_as_are() -> None:
    throttle = Throttle()
    throttle.acquire(0.0)
    throttle.on_response(429, sent_at=0.0, now=1.0)
    throttle.release()
    assert [throttle.acquire(2.0), throttle.acquire(2.0)] == [0.0, math.inf]
    throttle.on_response(200, sent_at=2.0, now=3.0)
    assert throttle.acquire(3.0) == 0.0


@given(st.lists(st.sampled_from(["enter", "429", "200", "500"]), max_size=60))
def test_it_never_closes_for_good(events: list[str]) -> None:
    throttle = Throttle()
    for moment, event in enumerate(events):
        if event == "enter":
            throttle.acquire(moment)
        elif throttle.in_flight:
            throttle.on_response(int(event), sent_at=moment - 0.5, now=moment)
            throttle.release()
    while throttle.in_flight:
        throttle.release()
    assert throttle.acquire(len(events)) == 0.0
