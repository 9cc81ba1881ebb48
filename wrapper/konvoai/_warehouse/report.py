"""The report: one page of how well the AI resolves, made of the DuckDB file that `konvo sync` keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import duckdb

from ..errors import KonvoError
from .figures import gather
from .page import page


class Reported(NamedTuple):
    """What a report came to.

    Attributes:
        sessions: How many sessions it tells of.
        bytes: The size of the page.
    """

    sessions: int
    bytes: int


def report(database: Path, to: Path, *, timezone: str = "UTC") -> Reported:
    """Makes a page of the sessions in a DuckDB file, which is only read.

    The page is one file that loads nothing else. It is whole or absent: until it is written, `to` is what it was.

    Args:
        database: What `konvo sync` has made.
        to: The page; one that is there is replaced.
        timezone: Of its weeks and hours, as `Europe/Berlin`.

    Raises:
        KonvoError: The file is missing, is no DuckDB file, has no sessions table or is in use by another process;
            there is no such time zone; or the page cannot be written.
    """
    if not database.is_file():
        raise KonvoError(f"There is no file {database}: make it with `konvo sync --to {database}`.")
    if to.exists() and to.samefile(database):
        raise KonvoError(f"The page would replace the database {database}: write it to another file.")
    with opened(database) as connection:
        figures = gather(connection, database, timezone)
    text = page(figures).encode("utf-8")
    write(to, text)
    return Reported(figures.total.sessions, len(text))


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, to be read; any error of DuckDB becomes one of konvoai."""
    try:
        # Else DuckDB would download what it takes to read a file of SQLite.
        with duckdb.connect(database, read_only=True, config={"autoinstall_known_extensions": False}) as connection:
            yield connection
    except duckdb.Error as error:
        if "Could not set lock" in str(error) or "being used by another process" in str(error):  # the latter on Windows
            raise KonvoError(
                f"{database} is in use by another process, as a running `konvo sync`: wait for its end and try again."
            ) from error
        reason = str(error).partition("\n")[0]
        raise KonvoError(
            f"{database} cannot be read as a DuckDB file; make one with `konvo sync --to ...` ({reason})."
        ) from error


def write(to: Path, text: bytes) -> None:
    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(text)
        partial.replace(to)
    except OSError as error:
        raise KonvoError(f"The page cannot be written to {to}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()
