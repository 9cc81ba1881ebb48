"""Syncs into any database where dlt can replace rows."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._client import Konvo
from .._decoding.records import Record
from .._pagination.protocol import Window
from ..errors import KonvoError
from .state import Progress, SyncResult

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


def sync_by_dlt(
    konvo: Konvo,
    to: str,
    *,
    since: datetime | None = None,
    lookback: timedelta,
    concurrency: int = 8,
    progress: Progress = lambda window, records: None,
) -> SyncResult:
    """Brings the tables `ai_sessions` and `ai_sessions__messages` up to date.

    Arguments, result and errors are those of `sync`.
    """
    with environment_variables(DLT_SETTINGS):
        try:
            from .. import dlt
        except ModuleNotFoundError:
            raise KonvoError("syncs to other databases than DuckDB need dlt: pip install 'konvoai[dlt]'") from None

        def open_batches(state: State) -> Batches:
            return dlt.Batches(dlt.scan_windows(konvo, dlt.resume_from(state, since, lookback), concurrency))

        open_batches({}).close()  # reports invalid arguments before it opens the destination
        work_folder = tempfile.TemporaryDirectory(prefix="konvo-sync-", ignore_cleanup_errors=True)
        with translated_errors(to), work_folder as folder, closing(BatchReader(open_batches, progress)) as reader:
            pipeline = open_pipeline(to, folder)
            while not reader.exhausted:
                pipeline.run(dlt.make_source(reader.next_batch))
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
    pipeline = dlt.pipeline(SOURCE_NAME, pipelines_dir=folder, destination=destination, dataset_name=SOURCE_NAME)
    pipeline.sync_destination()
    check_tables(pipeline, to)
    return pipeline


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
