"""What the command `konvo` shows: records in four formats on stdout, and progress on a terminal."""

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
    from .._columns import Column
    from .._decoding.records import Record
    from .._pagination.protocol import Window

TOGETHER = 200  # rows of a table that share the widths of its columns
WIDEST = 40
GAP = "  "


def show(records: Iterable[Record], output: str, columns: Sequence[Column]) -> None:
    """Writes records as they come."""
    if output == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in table(records, columns, width):
            write(f"{line}\n")
    elif output == "json":
        before = "[\n"
        for record in records:
            write(before + record.raw)
            before = ",\n"
        write("\n]\n" if before == ",\n" else "[]\n")
    elif output == "csv":
        from .._export.formats import Csv

        form = Csv(columns)
        write(form.rows([], first=True).decode())
        for record in records:
            write(form.rows([record], first=False).decode())
    else:
        for record in records:
            write(f"{record.raw}\n")


def table(records: Iterable[Record], columns: Sequence[Column], width: int | None) -> Iterator[str]:
    """Lines of aligned columns, but those of which the first rows have no value.

    Where they do not fit in the width, those go first that tell no row from another, and then the last ones.
    """
    rows = ([shown(record, column) for column in columns] for record in records)
    first = list(itertools.islice(rows, TOGETHER))
    if not first:
        return
    used = [place for place, cells in enumerate(zip(*first, strict=True)) if any(cells)]
    widths = {
        place: min(WIDEST, max(map(cells_wide, [columns[place].name, *(row[place] for row in first)])))
        for place in used
    }
    if width is not None:
        telling = [place for place in used if len({row[place] for row in first}) > 1 or len(first) == 1]
        used = telling if taken(used, widths) > width else used
        while len(used) > 1 and taken(used, widths) > width:
            used.pop()
    for row in itertools.chain([[column.name for column in columns]], first, rows):
        yield GAP.join(fitted(row[place], widths[place]) for place in used).rstrip()


def taken(places: Sequence[int], widths: dict[int, int]) -> int:
    return sum(widths[place] + len(GAP) for place in places) - len(GAP)


def shown(record: Record, column: Column) -> str:
    """A value in one line; of a list, its length. What a terminal would obey is escaped."""
    from .._export.formats import cell, value_at

    value = value_at(record.data, column.path)
    if column.kind == "list" and isinstance(value, list):
        return str(len(value))
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in cell(value))


def fitted(text: str, width: int) -> str:
    if cells_wide(text) > width:
        while cells_wide(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - cells_wide(text))


def cells_wide(text: str) -> int:
    """How many cells of a terminal a text takes: East Asian letters and emoji take two, accents none."""
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


@contextmanager
def meter(total: int | None) -> Iterator[Any]:
    """A progress bar on stderr, if that is a terminal: what it gives is told each window and the records so far."""
    if not sys.stderr.isatty():
        yield lambda window, records: None
        return
    began = time.monotonic()
    bar: Any = click.progressbar(
        None if total else (None for _ in ()),  # a bar without a length, where the total is not known
        length=total or None,
        file=sys.stderr,
        show_pos=True,
        item_show_func=lambda said: said or "",
    )

    def tell(window: Window[Any], records: int) -> None:
        rate = records / max(time.monotonic() - began, 0.001)
        bar.update(records - bar.pos, f"{rate:,.0f}/s, up to {window.end:%Y-%m-%d %H:%M}")

    with bar:
        yield tell


class Closed(Exception):
    """Nobody reads stdout any more."""


def write(text: str) -> None:
    """Data, at once."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise Closed from None


def tell(words: str) -> None:
    print(words, file=sys.stderr)
