"""The figures of a report, counted in SQL: a million sessions need no more memory in Python than a thousand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from ..errors import KonvoError

WEEKS = 520
"""How many weeks are shown, the latest: ten years of them keep the page under 1.5 MB."""
TABLES = """
SELECT table_schema FROM information_schema.tables AS found
WHERE table_catalog = current_database() AND table_name = 'ai_sessions'
ORDER BY EXISTS (
    FROM information_schema.columns AS c
    WHERE c.table_catalog = found.table_catalog AND c.table_schema = found.table_schema
        AND c.table_name = found.table_name AND c.column_name = '_dlt_id'
) DESC, table_schema LIKE '%\\_staging' ESCAPE '\\', table_schema
"""
"""The schemas that have the table; dlt loads into a schema of its own first, whose name ends in _staging."""
# A column that no record had is not in the table: what the table is united with has them all.
NO_MESSAGES = """
CREATE TEMP VIEW all_messages AS
SELECT NULL::VARCHAR AS _dlt_parent_id, NULL::VARCHAR AS initiator_origin WHERE FALSE
"""
SOME_MESSAGES = f"{NO_MESSAGES} UNION ALL BY NAME FROM ai_sessions__messages"
COUNTED = """
CREATE TEMP TABLE counted AS
SELECT
    _dlt_parent_id AS session, count(*) AS messages,
    count(*) FILTER (initiator_origin = 'RECIPIENT') AS received, count(*) FILTER (initiator_origin = 'AI') AS sent
FROM all_messages GROUP BY ALL
"""
MOMENT = """
CREATE TEMP MACRO moment(told) AS
    CASE WHEN try_cast(told AS TIMESTAMPTZ) BETWEEN '2000-01-01' AND '2100-01-01' THEN try_cast(told AS TIMESTAMPTZ) END
"""
"""A time that was never set is often told as one of the year 1."""
SESSIONS = """
CREATE TEMP TABLE sessions AS
WITH found AS (
    SELECT
        NULL::VARCHAR AS _dlt_id, NULL::VARCHAR AS channel, NULL::VARCHAR AS state__type,
        NULL::TIMESTAMPTZ AS created_at, NULL::TIMESTAMPTZ AS status__completed_at,
        NULL::BOOLEAN AS status__completed, NULL::BOOLEAN AS status__unresolved
    WHERE FALSE
    UNION ALL BY NAME FROM ai_sessions
), typed AS (
    SELECT
        _dlt_id AS id,
        nullif(left(trim(channel::VARCHAR), 80), '') AS channel,
        nullif(left(trim(state__type::VARCHAR), 80), '') AS skill,
        moment(created_at) AS created_at,
        moment(status__completed_at) AS completed_at,
        try_cast(status__completed AS BOOLEAN) AND NOT coalesce(try_cast(status__unresolved AS BOOLEAN), FALSE)
            AS resolved
    FROM found
), channels AS (
    SELECT channel FROM typed WHERE channel IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, channel LIMIT 30
), skills AS (
    SELECT skill FROM typed WHERE skill IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, skill LIMIT 30
)
SELECT
    CASE WHEN channel IS NULL THEN 'not known' WHEN channel IN (FROM channels) THEN channel ELSE 'all others' END
        AS channel,
    CASE WHEN skill IS NULL THEN 'not known' WHEN skill IN (FROM skills) THEN skill ELSE 'all others' END AS skill,
    created_at::TIMESTAMP AS begun,
    date_trunc('week', begun)::DATE AS week,
    resolved,
    epoch(completed_at) - epoch(created_at) AS took,
    CASE WHEN resolved THEN CASE WHEN took < 0 THEN 0 ELSE took END END AS seconds,
    coalesce(messages, 0) AS messages, coalesce(received, 0) AS received, coalesce(sent, 0) AS sent
FROM typed LEFT JOIN counted ON id = session
"""
GROUPS = """
SELECT
    grouping(week, channel, skill), coalesce(week::VARCHAR, channel, skill),
    count(*), count(resolved), count(*) FILTER (resolved), median(seconds), sum(messages), sum(received), sum(sent)
FROM temp.sessions
GROUP BY GROUPING SETS ((), (week), (channel), (skill))
ORDER BY week, 3 DESC, 2
"""
ALL, WEEK, CHANNEL, SKILL = 0b111, 0b011, 0b101, 0b110
HOURS = """
SELECT isodow(begun) - 1, hour(begun), count(*) FROM temp.sessions WHERE begun IS NOT NULL GROUP BY ALL
"""
PERIOD = "SELECT min(begun)::DATE::VARCHAR, max(begun)::DATE::VARCHAR FROM temp.sessions"


class Group(NamedTuple):
    """Figures of some sessions.

    Attributes:
        name: What they have in common: a week, told by its Monday, a channel or a skill.
        sessions: How many there are.
        known: Of how many it is known whether they are resolved.
        resolved: How many are.
        median: The median time to resolution, in seconds; None where there is none.
        messages: How many messages they have.
        received: How many of those a customer wrote.
        sent: How many of those the AI wrote.
    """

    name: str | None
    sessions: int
    known: int
    resolved: int
    median: float | None
    messages: int
    received: int
    sent: int

    @property
    def others(self) -> int:
        """How many messages neither a customer nor the AI wrote."""
        return self.messages - self.received - self.sent

    @property
    def rate(self) -> float | None:
        """The share of the resolved among the known, from 0 to 1."""
        return self.resolved / self.known if self.known else None


class Figures(NamedTuple):
    """All that a page tells.

    Attributes:
        source: The name of the database's file.
        timezone: Of the weeks, hours and days.
        period: The days on which the first and the last session began.
        total: Of all sessions.
        weeks: In their order.
        earlier_weeks: How many weeks before those are left out.
        undated: How many sessions do not tell when they began.
        channels: The largest first.
        skills: The largest first.
        hours: How many sessions began by weekday, from Monday's 0, and hour.
        has_messages: Whether the messages are known.
    """

    source: str
    timezone: str
    period: tuple[str | None, str | None]
    total: Group
    weeks: Sequence[Group]
    earlier_weeks: int
    undated: int
    channels: Sequence[Group]
    skills: Sequence[Group]
    hours: Mapping[tuple[int, int], int]
    has_messages: bool


def gather(connection: duckdb.DuckDBPyConnection, database: Path, timezone: str) -> Figures:
    """All figures of a page."""
    schemas = [schema for (schema,) in connection.execute(TABLES).fetchall()]
    if not schemas:
        raise KonvoError(f"{database} has no table ai_sessions: run `konvo sync --to {database}` first.")
    try:
        connection.execute("SET TimeZone = ?", [timezone])
    except duckdb.Error:
        raise KonvoError(f"There is no time zone {timezone!r}: name one as UTC or Europe/Berlin.") from None
    connection.execute("SET schema = ?", [schemas[0]])
    has_messages = has_columns(connection, "ai_sessions", "_dlt_id")
    has_messages &= has_columns(connection, "ai_sessions__messages", "_dlt_parent_id")
    for statement in (SOME_MESSAGES if has_messages else NO_MESSAGES, COUNTED, MOMENT, SESSIONS):
        connection.execute(statement)
    groups = [(kind, Group(*told)) for kind, *told in connection.execute(GROUPS).fetchall()]
    weeks = [group for group in of(groups, WEEK) if group.name is not None]
    return Figures(
        source=database.name,
        timezone=timezone,
        period=connection.execute(PERIOD).fetchone() or (None, None),
        total=next(of(groups, ALL)),
        weeks=weeks[-WEEKS:],
        earlier_weeks=len(weeks[:-WEEKS]),
        undated=sum(group.sessions for group in of(groups, WEEK) if group.name is None),
        channels=list(of(groups, CHANNEL)),
        skills=list(of(groups, SKILL)),
        hours={(day, hour): number for day, hour, number in connection.execute(HOURS).fetchall()},
        has_messages=has_messages,
    )


def of(groups: Iterable[tuple[int, Group]], wanted: int) -> Iterator[Group]:
    return (group for kind, group in groups if kind == wanted)


def has_columns(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether the table is in the current schema and has the column."""
    query = """
    SELECT count(*) FROM information_schema.columns WHERE table_catalog = current_database()
        AND table_schema = current_schema() AND table_name = ? AND column_name = ?
    """
    (found,) = connection.execute(query, [table, column]).fetchone() or (0,)
    return bool(found)
