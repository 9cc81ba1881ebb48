"""Times on the wire: RFC 3339 with milliseconds and `Z`, whatever kind of datetime came in."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai import Konvo
from konvoai.testing._http_server import Reply, serving
from tests.support.http_server import replies

ZONES = [UTC, timezone(timedelta(hours=-11, minutes=-45)), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")]


class Timestamp(datetime):
    """A datetime of a library: a subclass with its own `astimezone` and `isoformat`, as in pandas and pendulum."""

    def astimezone(self, tz: tzinfo | None = None) -> Any:
        zoned = super().astimezone(tz)
        return Timestamp.combine(zoned.date(), zoned.time(), zoned.tzinfo)

    def isoformat(self, *arguments: Any, **options: Any) -> str:
        return "a spelling of its own"


def sent(**bounds: datetime) -> dict[str, str]:
    with serving(replies(Reply({"count": 0, "result": []}))) as server, Konvo("k", base_url=server.url) as konvo:
        konvo.ai_sessions.list(**bounds).count()
    (request,) = server.requests
    return {name: value for name, value in request.query.items() if name in bounds}


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_bounds_are_sent_in_utc_with_milliseconds(zone: tzinfo) -> None:
    time = datetime(2026, 3, 1, 12, 30, 15, 774_000, tzinfo=UTC).astimezone(zone)
    assert {"updated_at_min": "2026-03-01T12:30:15.774Z"} == sent(updated_at_min=time)


def test_a_datetime_of_another_library_is_spelled_the_same() -> None:
    time = Timestamp(2026, 3, 1, 13, tzinfo=ZoneInfo("Europe/Berlin"))
    assert {"updated_at_max": "2026-03-01T12:00:00.000Z"} == sent(updated_at_max=time)


@given(st.datetimes(timezones=st.sampled_from([UTC])), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_bounds_never_shrink(start: datetime, length: timedelta) -> None:
    from konvoai._arguments import wire_time

    end = min(start, datetime.max.replace(tzinfo=UTC) - length) + length
    minimum, maximum = wire_time(start), wire_time(end, round_up=True)
    assert minimum is not None
    assert maximum is not None
    low, high = datetime.fromisoformat(minimum), datetime.fromisoformat(maximum)
    assert timedelta(0) <= start - low < timedelta(milliseconds=1)
    assert high - end < timedelta(milliseconds=1)
    assert end <= high or end.year == 9999
