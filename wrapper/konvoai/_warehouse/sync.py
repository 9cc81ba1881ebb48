"""Keep tables of the sessions up to date, in a DuckDB file or wherever dlt can replace rows."""

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
from ..errors import KonvoError

if TYPE_CHECKING:
    from dlt import Pipeline

    from ..dlt import Batches, State

SLICE = 16 * 2**20  # characters of JSON
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PASSWORD = re.compile(r"://\S*@")
MARK = "_dlt_id"  # a column of every table that dlt makes
OPTIONS = {
    "PIPELINES__KONVO__ENABLE_RUNTIME_TRACE": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "RUNTIME__INTERCEPT_SIGNALS": "false",
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
}
Progress = Callable[[Window[Record], int], object]


class Synced(NamedTuple):
    """What `sync` did.

    Attributes:
        sessions: How many were handed over, those of the lookback included.
        up_to: Everything updated up to here is in, an aware datetime.
        first: Whether there was nothing to go on with.
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
    concurrency: int = 4,
    progress: Progress = lambda window, records: None,
) -> Synced:
    """Brings the tables `ai_sessions` and `ai_sessions__messages` up to date.

    Rows are committed in slices, each with how far it goes, so that an interrupted sync goes on where it was. The
    destination alone tells where that is.

    Args:
        to: The path of a DuckDB file, which ends with .duckdb or .db or has a slash, or the name of a dlt destination.
        since: Only sessions updated after this time, an aware datetime; None for all. Once there is a state, an earlier
            time than before reads again from there, and a later one changes nothing.
        lookback: How far before its end the last sync is repeated, for changes that came in late.
        concurrency: Requests in flight at most.
        progress: Told each window, and how many sessions there are so far.

    Raises:
        KonvoError: The reading failed, or the destination cannot be written; what was committed before stays.
        ValueError: An argument that cannot work.
    """
    with environment(OPTIONS):
        try:
            from .. import dlt
        except ModuleNotFoundError:
            raise KonvoError("konvo sync needs dlt: pip install 'konvoai[sync]'") from None

        def scan(state: dlt.State) -> dlt.Batches:
            return dlt.Batches(dlt.scan(konvo, dlt.begin(state, since, lookback), concurrency))

        scan({}).close()  # an argument that cannot work is told here, before anything is opened
        folders = tempfile.TemporaryDirectory(prefix="konvo-sync-", ignore_cleanup_errors=True)
        with explained(to), folders as folder, closing(Reading(scan, progress)) as reading:
            pipeline = opened(to, folder)
            written: Any = "parquet" if is_path(to) else None  # by far the fastest for DuckDB; others know theirs
            while not reading.ended:
                pipeline.run(dlt.source(reading.windows), loader_file_format=written)
        return Synced(reading.sessions, datetime.fromisoformat(reading.state["up_to"]), reading.first)


class Reading:
    """What one sync reads, slice after slice, from where the destination's state says.

    Attributes:
        state: What the destination remembers, or will with the slice that is under way.
    """

    def __init__(self, scan: Callable[[State], Batches], progress: Progress) -> None:
        self._scan = scan
        self._progress = progress
        self._slices: Batches | None = None
        self.state: State = {}
        self.sessions = 0
        self.first = False

    @property
    def ended(self) -> bool:
        return self._slices is not None and self._slices.ended

    def windows(self, state: State) -> Iterator[Window[Record]]:
        """The next slice."""
        self.state = state
        if self._slices is None:
            self.first = state.get("up_to") is None
            self._slices = self._scan(state)
        for window in self._slices.next(SLICE):
            self.sessions += len(window.items)
            self._progress(window, self.sessions)
            yield window

    def close(self) -> None:
        if self._slices is not None:
            self._slices.close()


def opened(to: str, folder: str) -> Pipeline:
    """The pipeline, with what the destination remembers of it.

    Raises:
        KonvoError: The destination cannot replace rows, or its tables are not what konvo sync has made.
    """
    import dlt

    from ..dlt import NAME

    destination = destination_of(to)
    dataset = "main" if is_path(to) else NAME
    pipeline = dlt.pipeline(NAME, pipelines_dir=folder, destination=destination, dataset_name=dataset)
    pipeline.sync_destination()
    check_tables(pipeline, to)
    return pipeline


def destination_of(to: str) -> Any:
    import dlt
    from dlt.common.destination import Destination

    if is_path(to):
        path = Path(to).absolute()
        if not path.parent.is_dir():
            raise KonvoError(f"there is no folder {path.parent}: make it first, or correct --to")
        return dlt.destinations.duckdb(str(path))
    destination: Any = Destination.from_reference(to)
    able = destination.capabilities()
    strategies = able.supported_merge_strategies or []
    if able.merge_strategies_selector:
        strategies = able.merge_strategies_selector(strategies, table_schema={})
    if "delete-insert" not in strategies:
        raise KonvoError(
            f"dlt's {to} cannot replace rows when sessions change: sync to a database, or use konvo sessions export"
        )
    return destination


def check_tables(pipeline: Pipeline, to: str) -> None:
    from ..dlt import MESSAGES, NAME, TABLE

    client: Any
    found: dict[str, Any] = {}
    with pipeline.destination_client() as client:
        if client.is_storage_initialized():
            found = dict(client.get_storage_tables([TABLE, MESSAGES]))
    for name, columns in found.items():
        if columns and MARK not in columns:
            raise KonvoError(
                f"{to} has a table {name} that konvo sync did not make, and does not touch: "
                f"rename it, or sync to another place"
            )
    if NAME in pipeline.state.get("sources", {}) and not found.get(TABLE):
        raise KonvoError(
            f"the table {TABLE} is gone from {to}, which still remembers how far it went: "
            f"drop the tables that begin with _dlt_ too, and everything is read again"
        )


def is_path(to: str) -> bool:
    return to.endswith((".duckdb", ".db")) or "/" in to or os.sep in to


@contextmanager
def explained(to: str) -> Generator[None]:
    """What dlt and the destination raise, as a `KonvoError` of one sentence."""
    try:
        yield
    except Exception as error:
        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
            causes.append(cause)
        for cause in causes:
            if isinstance(cause, KonvoError | KeyboardInterrupt):  # dlt wraps both
                raise cause from cause.__cause__
        raise KonvoError(explanation(causes, to)) from error


def explanation(causes: list[BaseException], to: str) -> str:
    from dlt.common.configuration.exceptions import ConfigFieldMissingException
    from dlt.common.destination.exceptions import UnknownDestinationModule
    from dlt.common.exceptions import MissingDependencyException

    for cause in causes:
        if isinstance(cause, UnknownDestinationModule):
            return f"dlt has no destination {to}: name one that it has, as postgres, or a file that ends with .duckdb"
        if isinstance(cause, ConfigFieldMissingException):
            field = cause.fields[0]
            variable = f"DESTINATION__{to}__{field}".upper()
            return f"dlt is not told the {field} of {to}: set {variable}, or write them into .dlt/secrets.toml"
        if isinstance(cause, MissingDependencyException):
            return f"{to} needs more of dlt: pip install 'dlt[{to}]'"
    told = str(causes[-1])
    if any(os.strerror(number) in told for number in FULL):
        place = tempfile.gettempdir() if isinstance(causes[-1], OSError) else to
        return f"there is no room left for {place}: make some, and sync again; what is in {to} is whole"
    if "Could not set lock" in told:
        return f"{to} is open in another program: close it there, and sync again"
    told = " ".join(PASSWORD.sub("://…@", told).split())
    return f"{to} cannot be written: {told or type(causes[-1]).__name__}"


@contextmanager
def environment(options: dict[str, str]) -> Generator[None]:
    """With these variables, by which dlt is told before it is imported."""
    before = {name: os.environ.get(name) for name in options}
    os.environ.update(options)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
