"""A DuckDB file as the destination of a sync: each batch and its state are one transaction."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from .._client import Konvo, source_digest
from ..errors import KonvoError
from .state import State, new_salt
from .tables import ID, PARENT_ID, POSITION, SESSIONS_TABLE, TABLES

STATE_TABLE = "konvo_sync_state"
DUCKDB_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
DUCKDB_TYPES |= {"time": "TIMESTAMPTZ", "date": "DATE", "json": "JSON"}
# Queries that were written for the tables of earlier versions use these names.
EARLIER_NAMES = {
    SESSIONS_TABLE: {"_dlt_id": ID},
    f"{SESSIONS_TABLE}__messages": {"_dlt_root_id": PARENT_ID, "_dlt_list_idx": POSITION},
}
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LOCK_MESSAGES = ("Could not set lock", "being used by another process")  # the latter on Windows


class DuckDBFile:
    """The tables in a DuckDB file, which is open for writing, and thus locked, until this is closed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, konvo: Konvo) -> None:
        self._connection = connection
        connection.execute(f"CREATE TABLE IF NOT EXISTS {STATE_TABLE} (salt VARCHAR, source VARCHAR, state JSON)")
        for table in TABLES:
            self._make_table(table)
        rows = connection.execute(f"SELECT salt, source, state FROM {STATE_TABLE}").fetchall()  # noqa: S608
        own = (row for row in rows if row[1] == source_digest(konvo, row[0]))
        salt = new_salt()
        self._salt, self._source, text = next(own, (salt, source_digest(konvo, salt), "{}"))
        self.state = State.from_json(text)

    def _make_table(self, table: str) -> None:
        names = [f'"{column.name}" {DUCKDB_TYPES[column.kind]}' for column in TABLES[table]]
        earlier = [f"{name} VARCHAR AS ({column}) VIRTUAL" for name, column in EARLIER_NAMES.get(table, {}).items()]
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join((*names, *earlier))})")
        for name in names:  # columns of a later version
            self._connection.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name}")

    def write(self, tables: Mapping[str, pa.Table], state: State) -> None:
        """Replaces the rows of sessions, and stores the state, in one transaction."""
        connection = self._connection
        connection.execute("BEGIN")
        try:
            connection.register("keys", tables[SESSIONS_TABLE].select([ID]))
            for table, rows in tables.items():
                key = ID if table == SESSIONS_TABLE else PARENT_ID
                connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT {ID} FROM keys)")  # noqa: S608
                connection.register("new_rows", rows)
                connection.execute(f"INSERT INTO {table} BY NAME FROM new_rows")
            connection.execute(f"DELETE FROM {STATE_TABLE} WHERE source = ?", [self._source])  # noqa: S608
            values = [self._salt, self._source, state.to_json()]
            connection.execute(f"INSERT INTO {STATE_TABLE} VALUES (?, ?, ?)", values)  # noqa: S608
            connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            raise


@contextmanager
def open_duckdb(path: Path, konvo: Konvo) -> Iterator[DuckDBFile]:
    """Opens a DuckDB file for a sync, and makes it with empty tables where there is none.

    Raises:
        KonvoError: The file cannot be written, or has tables that this version of konvo sync did not create.
    """
    if not path.absolute().parent.is_dir():
        raise KonvoError(f"there is no folder {path.absolute().parent}: create it, or correct --to")
    with translated_errors(path), duckdb.connect(path, config={"autoinstall_known_extensions": False}) as connection:
        check_tables(connection, path)
        yield DuckDBFile(connection, konvo)


def check_tables(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    query = "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database()"
    columns = connection.execute(f"{query} AND schema_name = current_schema() AND NOT internal").fetchall()
    tables = {table for table, _ in columns}
    if STATE_TABLE in tables:
        for table in TABLES.keys() - tables:
            raise KonvoError(
                f"{path} has the state of earlier syncs, but no table {table}: "
                f"drop the table {STATE_TABLE} too, and the next sync reads everything again"
            )
        return
    for table in [name for name in TABLES if name in tables]:
        if (table, "_dlt_id") in columns:
            raise KonvoError(
                f"{path} has tables of an earlier version of konvo sync, which this version does not change: "
                f"move the file away (mv {path} {path}.old) and sync again, which reads everything once more"
            )
        raise KonvoError(
            f"{path} has a table {table} that konvo sync did not create and does not change: "
            f"rename it, or sync to another destination"
        )


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Raises an error of DuckDB as a `KonvoError` that shows no value of a record."""
    try:
        yield
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        if any(os.strerror(number) in reason for number in DISK_FULL_ERRNOS):
            raise KonvoError(
                f"no disk space left for {path}: free some and sync again; the committed rows are complete"
            ) from error
        if any(message in reason for message in LOCK_MESSAGES):
            raise KonvoError(
                f"{path} is open in another program, perhaps another sync that is under way: "
                f"wait until it ends, or close the file there, and sync again"
            ) from error
        shown = reason if isinstance(error, duckdb.IOException) else type(error).__name__
        raise KonvoError(f"{path} cannot be written: {shown}") from error
