"""A DuckDB file like that of `konvo sync`, with sessions of months: some lack fields, some have odd values."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

TIME = pa.timestamp("us", "UTC")
SESSION = {
    name: pa.string() for name in ("id", "workspace_id", "channel", "state__type", "state__sub_intent_type", "_dlt_id")
}
SESSION |= {name: TIME for name in ("created_at", "status__completed_at", "status__last_updated")}
SESSION |= {name: pa.bool_() for name in ("status__completed", "status__unresolved")}
MESSAGE = {name: pa.string() for name in ("message_id", "initiator_origin", "message", "_dlt_parent_id", "_dlt_id")}
MESSAGE |= {"created_at": TIME, "_dlt_list_idx": pa.int64()}

CHANNELS = ("whatsapp", "live_chat", "email", "instagram", None, "", "<script>hacked=1</script>", 'a"b & <b>c</b>')
SKILLS = ("CONCIERGE", "ORDER", "RETURN", "</script><script>hacked=1</script>", "<!-- <script>", "Größe 📦", None)
START = datetime(2025, 11, 27, tzinfo=UTC)

NUMBERS = itertools.count()

Row = dict[str, Any]


def drawn(count: int, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """So many sessions, and their messages."""
    chance = random.Random(seed)
    sessions = [session(number, chance) for number in range(count)]
    messages = [message(owner, place, chance) for owner in sessions for place in range(chance.choice((0, 1, 2, 5, 9)))]
    return sessions, messages


def session(number: int, chance: random.Random) -> Row:
    day = chance.triangular(0, 200, 150) // 1
    created = START + timedelta(days=day, seconds=chance.triangular(0, 86400, 14 * 3600))
    completed, unresolved = chance.choice((True, True, True, False, None)), chance.choice((False, False, True, None))
    after = timedelta(minutes=chance.choice((-1, 0, 0.5, 4, *(chance.expovariate(1 / (60 + day)) for _ in range(6)))))
    row: Row = {"id": f"session-{number}", "_dlt_id": f"dlt-{number}", "workspace_id": "workspace-1"}
    row |= {"channel": chance.choice(CHANNELS), "state__type": chance.choices(SKILLS, (9, 5, 4, 1, 1, 1, 2))[0]}
    row |= {"created_at": chance.choice((created,) * 30 + (None, datetime(1, 1, 1, tzinfo=UTC)))}
    row |= {"status__completed": completed, "status__unresolved": unresolved}
    row["status__completed_at"] = created + after if completed and chance.random() < 0.9 else None
    return row


def session_of(**fields: Any) -> Row:
    """A session of which all is known, resolved in a minute."""
    created = fields.setdefault("created_at", datetime(2026, 1, 5, 12, tzinfo=UTC))
    row = {"id": "session", "_dlt_id": f"dlt-{next(NUMBERS)}", "channel": "email", "state__type": "ORDER"}
    row |= {"status__completed": True, "status__unresolved": False}
    return row | {"status__completed_at": created + timedelta(minutes=1)} | fields


def message(owner: Row, place: int, chance: random.Random) -> Row:
    sender = chance.choices(("RECIPIENT", "AI", "AGENT", None), (20, 20, 1, 1))[0]
    row: Row = {"_dlt_parent_id": owner["_dlt_id"], "_dlt_id": f"{owner['_dlt_id']}-{place}", "_dlt_list_idx": place}
    return row | {"message_id": row["_dlt_id"], "initiator_origin": sender, "message": "Where is my order?"}


def store(
    path: Path,
    sessions: Iterable[Row],
    messages: Iterable[Row] | None = None,
    *,
    schema: str = "konvo",
    without: Collection[str] = (),
) -> Path:
    """Writes the tables, the sessions' without some columns; a file that is there gets another schema."""
    place = f'"{path.stem}"."{schema}"'
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {place}")
        fill(connection, f"{place}.ai_sessions", {k: v for k, v in SESSION.items() if k not in without}, sessions)
        if messages is not None:
            fill(connection, f"{place}.ai_sessions__messages", MESSAGE, messages)
    return path


def fill(
    connection: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, pa.DataType], rows: Iterable[Row]
) -> None:
    connection.register("rows", pa.Table.from_pylist(list(rows), pa.schema(list(types.items()))))
    connection.execute(f"CREATE TABLE {table} AS FROM rows")
    connection.unregister("rows")
