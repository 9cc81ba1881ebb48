"""What `konvo` prints: records in four formats on stdout, messages and progress on stderr."""

from __future__ import annotations

import itertools
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .._decoding.records import Record
    from .._pagination.protocol import Window
    from .._tables.columns import Column

SAMPLE_ROWS = 200  # the first rows of a table decide the widths of its columns
MAX_CELL_WIDTH = 40
GAP = "  "


def emit_records(records: Iterable[Record], output: str, columns: Sequence[Column]) -> None:
    """Writes each record to stdout as soon as it arrives; a table waits for its first rows."""
    if output == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in table(records, columns, width):
            emit(f"{line}\n")
    elif output == "json":
        separator = "[\n"
        for record in records:
            emit(separator + record.raw)
            separator = ",\n"
        emit("\n]\n" if separator == ",\n" else "[]\n")
    elif output == "csv":
        from .._export.formats import Csv

        encoder = Csv(columns)
        emit(encoder.encode([], first=True).decode())
        for record in records:
            emit(encoder.encode([record], first=False).decode())
    else:
        for record in records:
            emit(f"{record.raw}\n")


def table(records: Iterable[Record], columns: Sequence[Column], width: int | None) -> Iterator[str]:
    """Yields the lines of a table; columns without a value in the first rows are left out.

    If a line exceeds `width`, columns with the same value in every row are dropped first, then the last columns.
    """
    rows = ([format_cell(record, column) for column in columns] for record in records)
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    if not sample:
        return
    used = [index for index, cells in enumerate(zip(*sample, strict=True)) if any(cells)]
    widths = {
        index: min(MAX_CELL_WIDTH, max(map(display_width, [columns[index].name, *(row[index] for row in sample)])))
        for index in used
    }
    if width is not None:
        varying = [index for index in used if len({row[index] for row in sample}) > 1 or len(sample) == 1]
        used = varying if line_width(used, widths) > width else used
        while len(used) > 1 and line_width(used, widths) > width:
            used.pop()
    for row in itertools.chain([[column.name for column in columns]], sample, rows):
        yield GAP.join(fit(row[index], widths[index]) for index in used).rstrip()


def line_width(indexes: Sequence[int], widths: dict[int, int]) -> int:
    return sum(widths[index] + len(GAP) for index in indexes) - len(GAP)


def format_cell(record: Record, column: Column) -> str:
    """Returns a value in one line, or the length of a list; control characters are escaped."""
    from .._tables.columns import cell, value_at

    value = value_at(record.data, column.path)
    if column.kind == "list" and isinstance(value, list):
        return str(len(value))
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in cell(value))


def fit(text: str, width: int) -> str:
    """Returns the text padded or shortened to a width in terminal cells."""
    if display_width(text) > width:
        while display_width(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - display_width(text))


def display_width(text: str) -> int:
    """Returns the number of terminal cells of a text: East Asian letters and emoji take two, combining accents none."""
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


@contextmanager
def progress_bar(total: int | None) -> Iterator[Any]:
    """Shows a progress bar on stderr if that is a terminal; yields a callback for each window and the record count."""
    if not sys.stderr.isatty():
        yield lambda window, records: None
        return
    started_at = time.monotonic()
    bar: Any = click.progressbar(
        None if total else (None for _ in ()),  # an iterable without a length, where the total is unknown
        length=total or None,
        file=sys.stderr,
        show_pos=True,
        item_show_func=lambda item: item or "",
    )

    def update(window: Window[Any], records: int) -> None:
        rate = records / max(time.monotonic() - started_at, 0.001)
        reached = f", up to {window.end:%Y-%m-%d %H:%M}" if window.end.year > 1 else ""  # the first window is read
        bar.update(records - bar.pos, f"{rate:,.0f}/s{reached}")

    with bar:
        yield update


class StdoutClosed(Exception):
    """The reader of stdout has closed it."""


def emit(text: str) -> None:
    """Writes data to stdout and flushes it; raises StdoutClosed where nobody reads it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise StdoutClosed from None


def status(message: str) -> None:
    """Writes a message to stderr."""
    print(message, file=sys.stderr)
