"""The figures of a report, computed in SQL: memory in Python stays the same for any number of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from ..errors import KonvoError

MAX_WEEKS = 520
"""The latest weeks that a report shows: ten years keep the page below 1.5 MB."""
SCHEMAS_QUERY = """
SELECT table_schema FROM information_schema.tables AS found
WHERE table_catalog = current_database() AND table_name = 'ai_sessions'
ORDER BY EXISTS (
    FROM information_schema.columns AS c
    WHERE c.table_catalog = found.table_catalog AND c.table_schema = found.table_schema
        AND c.table_name = found.table_name AND c.column_name = '_dlt_id'
) DESC, table_schema LIKE '%\\_staging' ESCAPE '\\', table_schema
"""
"""The schemas that have the table, best first; dlt stages its loads in a schema whose name ends in _staging."""
# Tables of earlier versions have no column that is empty in every record: a union with an empty table that has them all
# adds the rest. Their rows are keyed by columns of dlt.
EMPTY_MESSAGES = """
CREATE TEMP VIEW all_messages AS
SELECT NULL::VARCHAR AS ai_session_id, NULL::VARCHAR AS _dlt_parent_id, NULL::VARCHAR AS initiator_origin WHERE FALSE
"""
MESSAGES = f"{EMPTY_MESSAGES} UNION ALL BY NAME FROM ai_sessions__messages"
MESSAGE_KEYS = {"ai_session_id": "id", "_dlt_parent_id": "_dlt_id"}
"""The column of a message that names its session, and the session's column with that value: best first."""
MESSAGE_COUNTS = """
CREATE TEMP TABLE message_counts AS
SELECT
    coalesce(ai_session_id, _dlt_parent_id) AS session_id, count(*) AS messages,
    count(*) FILTER (initiator_origin = 'RECIPIENT') AS from_customers,
    count(*) FILTER (initiator_origin = 'AI') AS from_ai
FROM all_messages GROUP BY ALL
"""
VALID_TIME = """
CREATE TEMP MACRO valid_time(value) AS
    CASE WHEN try_cast(value AS TIMESTAMPTZ) BETWEEN '2000-01-01' AND '2100-01-01'
    THEN try_cast(value AS TIMESTAMPTZ) END
"""
"""NULL for other years: servers often write a time that was never set as one in the year 1."""
SESSIONS = """
CREATE TEMP TABLE sessions AS
WITH raw AS (
    SELECT
        NULL::VARCHAR AS id, NULL::VARCHAR AS _dlt_id, NULL::VARCHAR AS channel, NULL::VARCHAR AS state__type,
        NULL::TIMESTAMPTZ AS created_at, NULL::TIMESTAMPTZ AS status__completed_at,
        NULL::BOOLEAN AS status__completed, NULL::BOOLEAN AS status__unresolved
    WHERE FALSE
    UNION ALL BY NAME FROM ai_sessions
), typed AS (
    SELECT
        getvariable('session_key') = 'id' AS by_id,
        CASE WHEN by_id THEN id::VARCHAR ELSE _dlt_id END AS id,
        nullif(left(trim(channel::VARCHAR), 80), '') AS channel,
        nullif(left(trim(state__type::VARCHAR), 80), '') AS skill,
        valid_time(created_at) AS created_at,
        valid_time(status__completed_at) AS completed_at,
        try_cast(status__completed AS BOOLEAN) AND NOT coalesce(try_cast(status__unresolved AS BOOLEAN), FALSE)
            AS resolved
    FROM raw
), channels AS (
    SELECT channel FROM typed WHERE channel IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, channel LIMIT 30
), skills AS (
    SELECT skill FROM typed WHERE skill IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, skill LIMIT 30
)
SELECT
    CASE WHEN channel IS NULL THEN 'unknown' WHEN channel IN (FROM channels) THEN channel ELSE 'all others' END
        AS channel,
    CASE WHEN skill IS NULL THEN 'unknown' WHEN skill IN (FROM skills) THEN skill ELSE 'all others' END AS skill,
    created_at::TIMESTAMP AS local_time,
    date_trunc('week', local_time)::DATE AS week,
    resolved,
    epoch(completed_at) - epoch(created_at) AS elapsed,
    CASE WHEN resolved THEN CASE WHEN elapsed < 0 THEN 0 ELSE elapsed END END AS resolution_seconds,
    coalesce(messages, 0) AS messages,
    coalesce(from_customers, 0) AS from_customers,
    coalesce(from_ai, 0) AS from_ai
FROM typed LEFT JOIN message_counts ON id = session_id
"""
GROUPS_QUERY = """
SELECT
    grouping(week, channel, skill), coalesce(week::VARCHAR, channel, skill),
    count(*), count(resolved), count(*) FILTER (resolved), median(resolution_seconds),
    sum(messages), sum(from_customers), sum(from_ai)
FROM temp.sessions
GROUP BY GROUPING SETS ((), (week), (channel), (skill))
ORDER BY week, 3 DESC, 2
"""
ALL, WEEK, CHANNEL, SKILL = 0b111, 0b011, 0b101, 0b110
"""Values of `grouping`: the bit of a column is 0 where the rows are grouped by it."""
HOURS_QUERY = """
SELECT isodow(local_time) - 1, hour(local_time), count(*) FROM temp.sessions
WHERE local_time IS NOT NULL GROUP BY ALL
"""
PERIOD_QUERY = "SELECT min(local_time)::DATE::VARCHAR, max(local_time)::DATE::VARCHAR FROM temp.sessions"


class Group(NamedTuple):
    """The figures of a group of sessions.

    Attributes:
        name: What the sessions have in common: the Monday of a week, a channel or a skill; None for all sessions.
        sessions: Number of sessions.
        with_status: Number of sessions whose status says whether they are resolved.
        resolved: Number of resolved sessions.
        median_seconds: Median time to resolution in seconds; None without resolved sessions.
        messages: Number of messages.
        from_customers: Number of messages by customers.
        from_ai: Number of messages by the AI.
    """

    name: str | None
    sessions: int
    with_status: int
    resolved: int
    median_seconds: float | None
    messages: int
    from_customers: int
    from_ai: int

    @property
    def from_others(self) -> int:
        """Number of messages by neither a customer nor the AI."""
        return self.messages - self.from_customers - self.from_ai

    @property
    def resolution_rate(self) -> float | None:
        """Resolved sessions per session with a status, from 0 to 1; None without such sessions."""
        return self.resolved / self.with_status if self.with_status else None


class Figures(NamedTuple):
    """All data of a report.

    Attributes:
        source: File name of the database.
        timezone: Time zone of the weeks, days and hours.
        period: The days on which the first and the last session were created, as ISO 8601 dates.
        total: Figures of all sessions.
        weeks: Figures by week, oldest first.
        earlier_weeks: Number of older weeks left out of `weeks`.
        undated: Number of sessions without a creation time.
        channels: Figures by channel, most sessions first.
        skills: Figures by skill, most sessions first.
        hours: Number of sessions by weekday (0 is Monday) and hour of creation.
        has_messages: Whether the database has messages.
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


def compute_figures(connection: duckdb.DuckDBPyConnection, database: Path, timezone: str) -> Figures:
    """Returns all data of a report.

    Raises:
        KonvoError: The database has no sessions table, or the time zone is unknown.
    """
    schemas = [schema for (schema,) in connection.execute(SCHEMAS_QUERY).fetchall()]
    if not schemas:
        raise KonvoError(f"{database} has no table ai_sessions: run `konvo sync --to {database}` first")
    try:
        connection.execute("SET TimeZone = ?", [timezone])
    except duckdb.Error:
        raise KonvoError(f"unknown time zone {timezone!r}: use a name like UTC or Europe/Berlin") from None
    connection.execute("SET schema = ?", [schemas[0]])
    message_keys = (key for key in MESSAGE_KEYS.items() if has_key(connection, *key))
    key = next(message_keys, None)
    connection.execute("SET VARIABLE session_key = ?", [key[1] if key else "id"])
    for statement in (MESSAGES if key else EMPTY_MESSAGES, MESSAGE_COUNTS, VALID_TIME, SESSIONS):
        connection.execute(statement)
    groups = [(grouping, Group(*values)) for grouping, *values in connection.execute(GROUPS_QUERY).fetchall()]
    weeks = [group for group in select(groups, WEEK) if group.name is not None]
    return Figures(
        source=database.name,
        timezone=timezone,
        period=connection.execute(PERIOD_QUERY).fetchone() or (None, None),
        total=next(select(groups, ALL)),
        weeks=weeks[-MAX_WEEKS:],
        earlier_weeks=len(weeks[:-MAX_WEEKS]),
        undated=sum(group.sessions for group in select(groups, WEEK) if group.name is None),
        channels=list(select(groups, CHANNEL)),
        skills=list(select(groups, SKILL)),
        hours={(day, hour): count for day, hour, count in connection.execute(HOURS_QUERY).fetchall()},
        has_messages=key is not None,
    )


def select(groups: Iterable[tuple[int, Group]], grouping: int) -> Iterator[Group]:
    return (group for group_grouping, group in groups if group_grouping == grouping)


def has_key(connection: duckdb.DuckDBPyConnection, message_column: str, session_column: str) -> bool:
    return has_column(connection, "ai_sessions__messages", message_column) and has_column(
        connection, "ai_sessions", session_column
    )


def has_column(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether the current schema has the table with that column."""
    query = """
    SELECT count(*) FROM information_schema.columns WHERE table_catalog = current_database()
        AND table_schema = current_schema() AND table_name = ? AND column_name = ?
    """
    (count,) = connection.execute(query, [table, column]).fetchone() or (0,)
    return bool(count)
