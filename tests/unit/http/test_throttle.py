import math

from hypothesis import given
from hypothesis import strategies as st

from konvoai._http.throttle import Throttle


def test_without_a_limit_all_requests_are_sent() -> None:
    throttle = Throttle()
    assert [throttle.acquire(0.0) for _ in range(100)] == [0.0] * 100
    assert throttle.in_flight == 100


def test_a_pause_is_the_seconds_to_wait() -> None:
    throttle = Throttle()
    throttle.pause_until(10.0)
    throttle.pause_until(7.0)
    assert throttle.acquire(4.0) == 6.0
    assert throttle.in_flight == 0
    assert throttle.acquire(10.0) == 0.0


def test_a_429_halves_the_requests_in_flight() -> None:
    throttle = Throttle()
    for _ in range(8):
        throttle.acquire(0.0)
    throttle.on_response(429, sent_at=0.0, now=1.0)
    for _ in range(4):
        throttle.release()
    assert throttle.acquire(2.0) == math.inf
    throttle.release()
    assert throttle.acquire(2.0) == 0.0


def test_requests_in_flight_lower_the_limit_once() -> None:
    throttle = Throttle()
    for _ in range(8):
        throttle.acquire(0.0)
    for _ in range(8):
        throttle.on_response(429, sent_at=0.0, now=1.0)
        throttle.release()
    assert [throttle.acquire(2.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, math.inf]


def test_responses_of_status_200_raise_the_limit() -> None:
    throttle = Throttle()
    throttle.acquire(0.0)
    throttle.on_response(429, sent_at=0.0, now=1.0)
    throttle.release()
    assert [throttle.acquire(2.0), throttle.acquire(2.0)] == [0.0, math.inf]
    throttle.on_response(200, sent_at=2.0, now=3.0)
    assert throttle.acquire(3.0) == 0.0


@given(st.lists(st.sampled_from(["acquire", "429", "200", "500"]), max_size=60))
def test_a_request_is_always_possible_in_the_end(events: list[str]) -> None:
    throttle = Throttle()
    for now, event in enumerate(events):
        if event == "acquire":
            throttle.acquire(now)
        elif throttle.in_flight:
            throttle.on_response(int(event), sent_at=now - 0.5, now=now)
            throttle.release()
    while throttle.in_flight:
        throttle.release()
    assert throttle.acquire(len(events)) == 0.0
