"""Databases of `konvo sync`: the stores that they are synced from, what is in them, and tables written without it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from konvoai.testing._store.store import Store

TIME = pa.timestamp("us", "UTC")
SESSION_TYPES = {
    name: pa.string() for name in ("id", "workspace_id", "channel", "state__type", "state__sub_intent_type", "_dlt_id")
}
SESSION_TYPES |= {name: TIME for name in ("created_at", "status__completed_at", "status__last_updated")}
SESSION_TYPES |= {name: pa.bool_() for name in ("status__completed", "status__unresolved")}
MESSAGE_TYPES = {
    name: pa.string() for name in ("message_id", "initiator_origin", "message", "_dlt_parent_id", "_dlt_id")
}
MESSAGE_TYPES |= {"created_at": TIME, "_dlt_list_idx": pa.int64()}

CHANNELS = ("whatsapp", "live_chat", "email", "instagram", None, "", "<script>hacked=1</script>", 'a"b & <b>c</b>')
SKILLS = ("CONCIERGE", "ORDER", "RETURN", "</script><script>hacked=1</script>", "<!-- <script>", "Größe 📦", None)
START = datetime(2025, 11, 27, tzinfo=UTC)

NUMBERS = itertools.count()

Row = dict[str, Any]


class EditableStore(Store):
    """A store whose records have the fields in `edits`, by id, instead of their own."""

    edits: dict[str, dict[str, Any]]

    def _record(self, number: int, asked: Any) -> dict[str, Any]:
        record = super()._record(number, asked)
        return {**record, **getattr(self, "edits", {}).get(record.get("id"), {})}


def store_of(count: int, **settings: Any) -> EditableStore:
    """Returns a store with a session every ten minutes; the latest is about ten minutes old."""
    step = timedelta(minutes=10)
    store = EditableStore.of(count, start=datetime.now(UTC) - count * step, step=step, **settings)
    assert isinstance(store, EditableStore)
    store.edits = {}
    return store


class Tables(NamedTuple):
    """The rows of a database."""

    sessions: list[Row]
    messages: list[Row]


def random_tables(count: int, seed: int = 0) -> Tables:
    """Returns `count` sessions over seven months, some with missing or unusual values, and their messages."""
    rng = random.Random(seed)
    sessions = [random_session(number, rng) for number in range(count)]
    messages = [
        random_message(session, index, rng) for session in sessions for index in range(rng.choice((0, 1, 2, 5, 9)))
    ]
    return Tables(sessions, messages)


def random_session(number: int, rng: random.Random) -> Row:
    day = rng.triangular(0, 200, 150) // 1
    created = START + timedelta(days=day, seconds=rng.triangular(0, 86400, 14 * 3600))
    completed, unresolved = rng.choice((True, True, True, False, None)), rng.choice((False, False, True, None))
    elapsed = timedelta(minutes=rng.choice((-1, 0, 0.5, 4, *(rng.expovariate(1 / (60 + day)) for _ in range(6)))))
    row: Row = {"id": f"session-{number}", "_dlt_id": f"dlt-{number}", "workspace_id": "workspace-1"}
    row |= {"channel": rng.choice(CHANNELS), "state__type": rng.choices(SKILLS, (9, 5, 4, 1, 1, 1, 2))[0]}
    row |= {"created_at": rng.choice((created,) * 30 + (None, datetime(1, 1, 1, tzinfo=UTC)))}
    row |= {"status__completed": completed, "status__unresolved": unresolved}
    row["status__completed_at"] = created + elapsed if completed and rng.random() < 0.9 else None
    return row


def random_message(session: Row, index: int, rng: random.Random) -> Row:
    sender = rng.choices(("RECIPIENT", "AI", "AGENT", None), (20, 20, 1, 1))[0]
    row: Row = {"_dlt_parent_id": session["_dlt_id"], "_dlt_list_idx": index}
    row["message_id"] = row["_dlt_id"] = f"{session['_dlt_id']}-{index}"
    return row | {"initiator_origin": sender, "message": "Where is my order?"}


def make_session(**fields: Any) -> Row:
    """Returns a session with every field, resolved within a minute."""
    created = fields.setdefault("created_at", datetime(2026, 1, 5, 12, tzinfo=UTC))
    row = {"id": "session", "_dlt_id": f"dlt-{next(NUMBERS)}", "channel": "email", "state__type": "ORDER"}
    row |= {"status__completed": True, "status__unresolved": False}
    return row | {"status__completed_at": created + timedelta(minutes=1)} | fields


def write_tables(
    path: Path,
    sessions: Iterable[Row],
    messages: Iterable[Row] | None = None,
    *,
    schema: str = "konvo",
    without: Collection[str] = (),
) -> Path:
    """Writes the tables, the sessions without some columns; an existing file gets one more schema."""
    target = f'"{path.stem}"."{schema}"'
    session_types = {name: kind for name, kind in SESSION_TYPES.items() if name not in without}
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {target}")
        write_table(connection, f"{target}.ai_sessions", session_types, sessions)
        if messages is not None:
            write_table(connection, f"{target}.ai_sessions__messages", MESSAGE_TYPES, messages)
    return path


def write_table(
    connection: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, pa.DataType], rows: Iterable[Row]
) -> None:
    connection.register("rows", pa.Table.from_pylist(list(rows), pa.schema(list(types.items()))))
    connection.execute(f"CREATE TABLE {table} AS FROM rows")
    connection.unregister("rows")


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def read_sessions(path: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    return query(path, f"select {columns} from ai_sessions order by id")


def read_messages(path: Path) -> list[tuple[Any, ...]]:
    """Returns all messages in order, each row preceded by the id of its session."""
    return query(
        path,
        """select s.id, m.* exclude (ai_session_id, _dlt_root_id, _dlt_list_idx, rest, position), m.rest, m.position
        from ai_sessions__messages m left join ai_sessions s on m.ai_session_id = s.id
        order by s.id, m.position""",
    )


def column_types(path: Path, table: str = "ai_sessions") -> dict[str, str]:
    return {name: kind for name, kind, *_ in query(path, f"describe {table}")}
