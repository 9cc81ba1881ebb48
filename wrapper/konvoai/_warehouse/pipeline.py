"""Any database where dlt can replace rows as the destination of a sync: dlt loads the Arrow tables."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from .._client import Konvo
from .._version import INSTALL_EXTRA
from ..errors import KonvoError
from .state import State, Stored, load_state, store_state
from .tables import ID, PARENT_ID, POSITION, REST, SESSIONS_TABLE, TABLES

if TYPE_CHECKING:
    from dlt import Pipeline
    from dlt.extract import DltSource

SOURCE_NAME, DELETED = "konvo", "deleted"
"""Databases hold these names: a changed one makes the next sync start over."""
DLT_TYPES = {"text": "text", "integer": "bigint", "number": "double", "boolean": "bool"}
DLT_TYPES |= {"time": "timestamp", "date": "date", "json": "json"}
LOCK_ID = 4_711_228_136_502_117  # of the advisory lock in PostgreSQL
URL_CREDENTIALS = re.compile(r"://\S*@")
DLT_SETTINGS = {
    "PIPELINES__KONVO__ENABLE_RUNTIME_TRACE": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "RUNTIME__INTERCEPT_SIGNALS": "false",
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
}
Tables = Mapping[str, pa.Table]


class DltDestination:
    """The tables in a database that dlt writes to."""

    def __init__(self, pipeline: Pipeline, konvo: Konvo) -> None:
        self._pipeline = pipeline
        self._konvo = konvo
        self.state = load_state(pipeline.state.get("sources", {}).get(SOURCE_NAME, {}), konvo)

    def write(self, tables: Tables, state: State) -> None:
        """Replaces the rows of sessions; dlt counts the state only when all rows are loaded."""

        def read(stored: Stored) -> Iterator[Tables]:
            store_state(stored, self._konvo, state)
            yield tables

        file_format: Any = None
        if self._pipeline.destination.destination_name == "postgres":  # COPY takes half the time, but has no empty text
            file_format = "insert_values" if any(map(has_empty_text, tables.values())) else "csv"
        self._pipeline.run(make_source(read), loader_file_format=file_format)


def has_empty_text(table: pa.Table) -> bool:
    texts = (column for column in table.columns if pa.types.is_string(column.type))
    return any(pc.any(pc.equal(column, "")).as_py() for column in texts)


def make_source(read: Callable[[Stored], Iterator[Tables]]) -> DltSource:
    """Returns a dlt source of the tables; `read` is given the state that dlt stores with them."""
    import dlt
    from dlt.common.schema import Schema
    from dlt.extract import DltSource

    logging.getLogger("dlt").addFilter(is_relevant)
    hints = {
        table: dlt.mark.make_hints(
            table_name=table,
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            primary_key=ID if table == SESSIONS_TABLE else None,
            merge_key=None if table == SESSIONS_TABLE else PARENT_ID,
            columns=column_hints(table),
        )
        for table in TABLES
    }

    def ai_sessions() -> Iterator[Any]:
        for tables in read(dlt.current.source_state()):
            for name, table in with_deletions(tables).items():
                yield dlt.mark.with_hints(table, hints[name], create_table_variant=True)

    resource: Any = dlt.resource(ai_sessions, name=SESSIONS_TABLE)
    return DltSource(Schema(SOURCE_NAME), SOURCE_NAME, [resource])


def is_relevant(record: logging.LogRecord) -> bool:
    """Whether a message of dlt is not the one that Arrow has no JSON type, which it logs for each batch."""
    return "several column hints were different" not in record.getMessage()


def column_hints(table: str) -> list[Any]:
    hints: list[Any] = [{"name": column.name, "data_type": DLT_TYPES[column.kind]} for column in TABLES[table]]
    deleted = {"name": DELETED, "data_type": "bool", "hard_delete": True}
    return hints if table == SESSIONS_TABLE else [*hints, deleted]


def with_deletions(tables: Tables) -> dict[str, pa.Table]:
    """Returns the tables with a row for each session without messages, so that dlt deletes those it had."""
    keys = tables[SESSIONS_TABLE][ID].to_pylist()
    result = dict(tables)
    for name, table in tables.items():
        if name != SESSIONS_TABLE:
            parents = set(table[PARENT_ID].to_pylist())
            schema = table.schema.append(pa.field(DELETED, pa.bool_()))
            kept = table.append_column(DELETED, pa.nulls(len(table), pa.bool_()))
            gone = [{PARENT_ID: key, DELETED: True} for key in keys if key not in parents]
            removed = pa.Table.from_pylist(gone, schema)
            result[name] = pa.concat_tables([kept, removed])
    return result


@contextmanager
def open_pipeline(to: str, konvo: Konvo) -> Iterator[DltDestination]:
    """Opens a destination of dlt for a sync.

    Raises:
        KonvoError: The destination cannot replace rows, has tables that this version of konvo sync did not create, or
            another sync writes to it.
    """
    with environment_variables(DLT_SETTINGS):
        try:
            import dlt
        except ModuleNotFoundError:
            raise KonvoError(f"syncs to other databases need dlt: {INSTALL_EXTRA.format('dlt')}") from None
        temporary = tempfile.TemporaryDirectory(prefix="konvo-sync-", ignore_cleanup_errors=True)
        with translated_errors(to), temporary as folder:
            destination = resolve_destination(to)
            pipeline = dlt.pipeline(
                SOURCE_NAME, pipelines_dir=folder, destination=destination, dataset_name=SOURCE_NAME
            )
            with locked(pipeline, to):
                pipeline.sync_destination()
                check_tables(pipeline, to)
                yield DltDestination(pipeline, konvo)


@contextmanager
def locked(pipeline: Pipeline, to: str) -> Iterator[None]:
    """Holds an advisory lock in PostgreSQL: dlt's staging tables are shared by all runs."""
    if pipeline.destination.destination_name != "postgres":
        yield
        return
    client: Any
    with pipeline.destination_client() as client:
        ((free,),) = client.sql_client.execute_sql("SELECT pg_try_advisory_lock(%s)", LOCK_ID)
        if not free:
            raise KonvoError(f"another sync to {to} is under way: wait until it ends, and sync again")
        yield


def resolve_destination(to: str) -> Any:
    from dlt.common.destination import Destination

    destination: Any = Destination.from_reference(to)
    capabilities = destination.capabilities()
    strategies = capabilities.supported_merge_strategies or []
    if capabilities.merge_strategies_selector:
        strategies = capabilities.merge_strategies_selector(strategies, table_schema={})
    if "delete-insert" not in strategies:
        raise KonvoError(
            f"dlt's {to} cannot replace rows when sessions change: sync to a database, or use konvo sessions export"
        )
    return destination


def check_tables(pipeline: Pipeline, to: str) -> None:
    client: Any
    tables: dict[str, Any] = {}
    with pipeline.destination_client() as client:
        if client.is_storage_initialized():
            tables = {name: columns for name, columns in client.get_storage_tables(list(TABLES)) if columns}
    for name, columns in tables.items():
        if "_dlt_id" in columns:
            raise KonvoError(
                f"{to} has tables of an earlier version of konvo sync, which this version does not change: rename or "
                f"drop its schema {SOURCE_NAME}, and sync again, which reads everything once more"
            )
        if REST not in columns or not {ID, POSITION}.intersection(columns):
            raise KonvoError(
                f"{to} has a table {name} that konvo sync did not create and does not change: "
                f"rename it, or sync to another destination"
            )
    if SOURCE_NAME in pipeline.state.get("sources", {}) and SESSIONS_TABLE not in tables:
        raise KonvoError(
            f"{to} has the state of earlier syncs, but no table {SESSIONS_TABLE}: "
            f"drop the tables that begin with _dlt_ too, and the next sync reads everything again"
        )


@contextmanager
def translated_errors(to: str) -> Generator[None]:
    """Raises what dlt and the destination raise as a `KonvoError` with a one-line message."""
    try:
        yield
    except KonvoError:
        raise
    except Exception as error:
        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
            causes.append(cause)
        for cause in causes:
            if not isinstance(cause, Exception):  # dlt wraps Ctrl-C and SIGTERM
                raise cause from cause.__cause__
        raise KonvoError(error_message(causes, to)) from error


def error_message(causes: list[BaseException], to: str) -> str:
    from dlt.common.configuration.exceptions import ConfigFieldMissingException
    from dlt.common.destination.exceptions import UnknownDestinationModule
    from dlt.common.exceptions import MissingDependencyException

    for cause in causes:
        if isinstance(cause, UnknownDestinationModule):
            return f"dlt has no destination {to}: use one of dlt's, e.g. postgres, or a path that ends in .duckdb"
        if isinstance(cause, ConfigFieldMissingException):
            field = cause.fields[0]
            variable = f"DESTINATION__{to}__{field}".upper()
            return f"dlt has no {field} for {to}: set {variable}, or add them to .dlt/secrets.toml"
        if isinstance(cause, MissingDependencyException):
            return f"{to} needs an extra of dlt: pip install 'dlt[{to}]'"
    last = causes[-1]
    reason = " ".join(URL_CREDENTIALS.sub("://…@", str(last)).split())
    if not reason or type(last).__name__ != "OperationalError":  # others may show values of records
        reason = f"{type(last).__name__}; run konvo --debug to see all of it"
    return f"{to} cannot be written: {reason}"


@contextmanager
def environment_variables(values: dict[str, str]) -> Generator[None]:
    """Sets environment variables for a while; dlt reads some of its settings when it is imported."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
