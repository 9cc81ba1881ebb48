"""Drawn servers with habits, read while their sessions change: no session is lost in silence."""

import pytest

from tests.support.habit_models import HABITS, draw_server
from tests.support.habit_readings import Reading, Server, read

SCHEDULES = 45  # of each habit: more than 2,000 for each reader
SAMPLE = 1
MAY_FAIL = {
    "the same, hidden rows counted",
    "the same, more equal times than a page holds",
    "pages empty beyond a depth",
    "400 beyond a depth",
    "repeated rows (a JOIN)",
    "bounds in the far past or future rejected",
    "`count` too small or too large",
    "`count` noisy",
    "`count` cached",
    "time filters ignored",
    "`page` ignored",
}
"""Habits of which a reading may end in an error, as docs/pagination.md says."""
UNSEEN_BY_RESUMED_SCANS = "filters by creation, ordered by update"

each_habit = pytest.mark.parametrize("habit", HABITS)
each_reader = pytest.mark.parametrize("reader", ["list", "scan", "resumed scan"])


def check(habit: str, reader: str, schedule: int) -> None:
    server = Server(draw_server(f"{habit}/{schedule}", HABITS[habit]), 1 if schedule % 2 else 4, {})
    server.max_requests = 300 * server.ideal + 2000
    reading: Reading = read(reader, server)
    assert not reading.endless
    assert reading.error is None or habit in MAY_FAIL, reading.error
    assert reading.lost == 0 or (habit, reader) == (UNSEEN_BY_RESUMED_SCANS, "resumed scan")
    assert reading.doubled == 0 or reader != "list" or "id`" in habit


@each_reader
@each_habit
@pytest.mark.parametrize("schedule", range(SAMPLE))
def test_no_session_is_lost_in_silence(habit: str, reader: str, schedule: int) -> None:
    check(habit, reader, schedule)


@pytest.mark.long
@each_reader
@each_habit
def test_no_session_is_lost_in_silence_by_many_schedules(habit: str, reader: str) -> None:
    for schedule in range(SAMPLE, SCHEDULES):
        check(habit, reader, schedule)
