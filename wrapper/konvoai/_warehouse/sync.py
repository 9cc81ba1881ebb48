"""Keep tables of the sessions up to date in a DuckDB file, or in any database where dlt can replace rows."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .._client import Konvo
from .._decoding.records import Record
from .._pagination.protocol import Window
from .._version import INSTALL_EXTRA
from ..errors import KonvoError

if TYPE_CHECKING:
    from dlt import Pipeline

    from ..dlt import Batches, State

MAX_BATCH_SIZE = 16 * 2**20  # characters of JSON, exceeded by at most one window
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
URL_CREDENTIALS = re.compile(r"://\S*@")
DLT_ID = "_dlt_id"  # a column of every table that dlt creates
DLT_SETTINGS = {
    "PIPELINES__KONVO__ENABLE_RUNTIME_TRACE": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "RUNTIME__INTERCEPT_SIGNALS": "false",
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
}
Progress = Callable[[Window[Record], int], object]


class SyncResult(NamedTuple):
    """What a sync did.

    Attributes:
        sessions: Number of sessions read, including those of the lookback.
        up_to: The tables have every update up to this time, an aware datetime.
        first: Whether the destination had no state, so that everything was read.
    """

    sessions: int
    up_to: datetime
    first: bool


def sync(
    konvo: Konvo,
    to: str,
    *,
    since: datetime | None = None,
    lookback: timedelta = timedelta(days=1),
    concurrency: int = 8,
    progress: Progress = lambda window, records: None,
) -> SyncResult:
    """Brings the tables `ai_sessions` and `ai_sessions__messages` up to date.

    Commits rows in batches, each together with the state, so that an interrupted sync resumes after the last batch.
    The state is stored only in the destination.

    Args:
        konvo: The client to read with.
        to: The path of a DuckDB file, which ends in .duckdb or .db or has a slash, or the name of a dlt destination.
        since: Load only sessions updated after this time, an aware datetime; None for all. Once there is a state, an
            earlier time than before reads again from there, and a later one changes nothing.
        lookback: How far before the end of the last sync this one starts, to catch changes that arrive late.
        concurrency: Maximum number of requests in flight.
        progress: Called with each window and the number of sessions so far.

    Raises:
        KonvoError: A request failed, or the destination cannot be written. Committed batches stay.
        ValueError: A time has no time zone, the lookback is negative, or the concurrency is below 1.
    """
    with environment_variables(DLT_SETTINGS):
        try:
            from .. import dlt
        except ModuleNotFoundError:
            raise KonvoError(f"konvo sync needs dlt: {INSTALL_EXTRA.format('sync')}") from None

        def open_batches(state: State) -> Batches:
            return dlt.Batches(dlt.scan_windows(konvo, dlt.resume_from(state, since, lookback), concurrency))

        open_batches({}).close()  # reports invalid arguments before it opens the destination
        work_folder = tempfile.TemporaryDirectory(prefix="konvo-sync-", ignore_cleanup_errors=True)
        with translated_errors(to), work_folder as folder, closing(BatchReader(open_batches, progress)) as reader:
            pipeline = open_pipeline(to, folder)
            file_format: Any = "parquet" if is_path(to) else None  # by far the fastest into DuckDB; else dlt chooses
            while not reader.exhausted:
                pipeline.run(dlt.make_source(reader.next_batch), loader_file_format=file_format)
        return SyncResult(reader.sessions, datetime.fromisoformat(reader.state["up_to"]), reader.first)


class BatchReader:
    """Reads the batches of one sync, from where the destination's state says.

    Attributes:
        state: The state that dlt commits with the current batch.
        sessions: Number of sessions read so far.
        first: Whether the state was empty at the start.
    """

    def __init__(self, open_batches: Callable[[State], Batches], progress: Progress) -> None:
        self._open_batches = open_batches
        self._progress = progress
        self._batches: Batches | None = None
        self.state: State = {}
        self.sessions = 0
        self.first = False

    @property
    def exhausted(self) -> bool:
        return self._batches is not None and self._batches.exhausted

    def next_batch(self, state: State) -> Iterator[Window[Record]]:
        """Yields the windows of the next batch."""
        self.state = state
        if self._batches is None:  # dlt knows the destination's state only once the first run has started
            self.first = state.get("up_to") is None
            self._batches = self._open_batches(state)
        for window in self._batches.next_batch(MAX_BATCH_SIZE):
            self.sessions += len(window.items)
            self._progress(window, self.sessions)
            yield window

    def close(self) -> None:
        if self._batches is not None:
            self._batches.close()


def open_pipeline(to: str, folder: str) -> Pipeline:
    """Returns the pipeline, with the state that the destination stores.

    Raises:
        KonvoError: The destination cannot replace rows, or has tables that konvo sync did not create.
    """
    import dlt

    from ..dlt import SOURCE_NAME

    destination = resolve_destination(to)
    dataset = "main" if is_path(to) else SOURCE_NAME
    pipeline = dlt.pipeline(SOURCE_NAME, pipelines_dir=folder, destination=destination, dataset_name=dataset)
    pipeline.sync_destination()
    check_tables(pipeline, to)
    return pipeline


def resolve_destination(to: str) -> Any:
    import dlt
    from dlt.common.destination import Destination

    if is_path(to):
        path = Path(to).absolute()
        if not path.parent.is_dir():
            raise KonvoError(f"there is no folder {path.parent}: create it, or correct --to")
        return dlt.destinations.duckdb(str(path))
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
    from ..dlt import MESSAGES_TABLE, SESSIONS_TABLE, SOURCE_NAME

    client: Any
    tables: dict[str, Any] = {}
    with pipeline.destination_client() as client:
        if client.is_storage_initialized():
            tables = dict(client.get_storage_tables([SESSIONS_TABLE, MESSAGES_TABLE]))
    for name, columns in tables.items():
        if columns and DLT_ID not in columns:
            raise KonvoError(
                f"{to} has a table {name} that konvo sync did not create and does not change: "
                f"rename it, or sync to another destination"
            )
    if SOURCE_NAME in pipeline.state.get("sources", {}) and not tables.get(SESSIONS_TABLE):
        raise KonvoError(
            f"{to} has the state of earlier syncs, but no table {SESSIONS_TABLE}: "
            f"drop the tables that begin with _dlt_ too, and the next sync reads everything again"
        )


def is_path(to: str) -> bool:
    return to.endswith((".duckdb", ".db")) or "/" in to or os.sep in to


@contextmanager
def translated_errors(to: str) -> Generator[None]:
    """Raises what dlt and the destination raise as a `KonvoError` with a one-line message."""
    try:
        yield
    except Exception as error:
        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
            causes.append(cause)
        for cause in causes:
            if isinstance(cause, KonvoError | KeyboardInterrupt):  # dlt wraps both
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
    reason = str(causes[-1])
    if any(os.strerror(number) in reason for number in DISK_FULL_ERRNOS):
        full = tempfile.gettempdir() if isinstance(causes[-1], OSError) else to
        return f"no disk space left for {full}: free some and sync again; the committed rows in {to} are complete"
    if "Could not set lock" in reason:
        return f"{to} is open in another program: close it there and sync again"
    reason = " ".join(URL_CREDENTIALS.sub("://…@", reason).split())
    return f"{to} cannot be written: {reason or type(causes[-1]).__name__}"


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
