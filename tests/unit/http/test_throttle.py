import math

from hypothesis import given
from hypothesis import strategies as st

from konvoai._http.throttle import Gate


def test_an_open_gate_lets_all_through() -> None:
    gate = Gate()
    assert [gate.enter(0.0) for _ in range(100)] == [0.0] * 100
    assert gate.in_flight == 100


def test_a_shut_gate_tells_how_long() -> None:
    gate = Gate()
    gate.shut(10.0)
    gate.shut(7.0)
    assert gate.enter(4.0) == 6.0
    assert gate.in_flight == 0
    assert gate.enter(10.0) == 0.0


def test_after_a_429_half_as_many_are_in_flight_and_the_rest_wait_to_be_told() -> None:
    gate = Gate()
    for _ in range(8):
        gate.enter(0.0)
    gate.answered(429, sent_at=0.0, now=1.0)
    for _ in range(4):
        gate.leave()
    assert gate.enter(2.0) == math.inf
    gate.leave()
    assert gate.enter(2.0) == 0.0


def test_requests_that_were_under_way_narrow_it_once() -> None:
    gate = Gate()
    for _ in range(8):
        gate.enter(0.0)
    for _ in range(8):
        gate.answered(429, sent_at=0.0, now=1.0)
        gate.leave()
    assert [gate.enter(2.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, math.inf]


def test_one_more_is_let_through_after_as_many_answers_as_are() -> None:
    gate = Gate()
    gate.enter(0.0)
    gate.answered(429, sent_at=0.0, now=1.0)
    gate.leave()
    assert [gate.enter(2.0), gate.enter(2.0)] == [0.0, math.inf]
    gate.answered(200, sent_at=2.0, now=3.0)
    assert gate.enter(3.0) == 0.0


@given(st.lists(st.sampled_from(["enter", "429", "200", "500"]), max_size=60))
def test_it_never_closes_for_good(events: list[str]) -> None:
    gate = Gate()
    for moment, event in enumerate(events):
        if event == "enter":
            gate.enter(moment)
        elif gate.in_flight:
            gate.answered(int(event), sent_at=moment - 0.5, now=moment)
            gate.leave()
    while gate.in_flight:
        gate.leave()
    assert gate.enter(len(events)) == 0.0
