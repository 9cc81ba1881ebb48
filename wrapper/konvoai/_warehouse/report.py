"""Write a report on how well the AI resolves sessions, from the DuckDB file of `konvo sync`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import duckdb

from ..errors import KonvoError
from .figures import compute_figures
from .page import render


class ReportResult(NamedTuple):
    """What a report contains.

    Attributes:
        sessions: Number of sessions.
        bytes: Size of the HTML file.
    """

    sessions: int
    bytes: int


def report(database: Path, to: Path, *, timezone: str = "UTC") -> ReportResult:
    """Writes a report on the sessions in a DuckDB file, as one HTML file that loads nothing else.

    Opens the database read-only, and writes the report atomically: if an error occurs, `to` is unchanged.

    Args:
        database: A DuckDB file that `konvo sync` has written.
        to: The HTML file; an existing one is replaced.
        timezone: Time zone for weekly and hourly figures, e.g. `Europe/Berlin`.

    Raises:
        KonvoError: The database is missing, invalid, without a sessions table or in use by another process; the time
            zone is unknown; or the report cannot be written.
    """
    if not database.is_file():
        raise KonvoError(f"there is no file {database}: create it with `konvo sync --to {database}`")
    if to.exists() and to.samefile(database):
        raise KonvoError(f"the report would replace the database {database}: write it to another file")
    with open_database(database) as connection:
        figures = compute_figures(connection, database, timezone)
    html = render(figures).encode("utf-8")
    write_atomically(to, html)
    return ReportResult(figures.total.sessions, len(html))


@contextmanager
def open_database(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens the database read-only; raises an error of DuckDB as a `KonvoError`."""
    try:
        # By default DuckDB downloads an extension when it is given an SQLite file.
        with duckdb.connect(database, read_only=True, config={"autoinstall_known_extensions": False}) as connection:
            yield connection
    except duckdb.Error as error:
        if "Could not set lock" in str(error) or "being used by another process" in str(error):  # the latter on Windows
            raise KonvoError(
                f"{database} is in use by another process, perhaps `konvo sync`: wait until it ends and try again"
            ) from error
        reason = str(error).partition("\n")[0]
        raise KonvoError(
            f"{database} cannot be read as a DuckDB file ({reason}): create one with `konvo sync --to ...`"
        ) from error


def write_atomically(to: Path, content: bytes) -> None:
    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(to)
    except OSError as error:
        raise KonvoError(f"the report cannot be written to {to}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
