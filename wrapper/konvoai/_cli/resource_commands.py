"""The commands that every resource of the API has: `list`, `count` and `export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .options import CONCURRENCY, SINCE, UNTIL, examples, raw_times
from .output import tell, write

if TYPE_CHECKING:
    from .._client import Konvo
    from .._resources import Resource

FORMATS = ("table", "json", "jsonl", "csv")


class Listed(NamedTuple):
    """A resource of the API as a group of commands.

    Attributes:
        command: The name of the group.
        attribute: The name of the resource at `Konvo`.
        flags: What can be had with each record, and how `--help` says it.
    """

    command: str
    attribute: str
    flags: dict[str, str]


LISTS = (
    Listed(
        "sessions",
        "ai_sessions",
        {"messages": "With their text messages.", "state": "With their status and the state of the AI."},
    ),
)


def group_of(listed: Listed) -> click.Group:
    """The commands that every resource has."""

    def including(on: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def add(command: Callable[..., Any]) -> Callable[..., Any]:
            for flag, words in reversed(listed.flags.items()):
                name = f"--{flag}/--no-{flag}" if on else f"--{flag}"
                command = click.option(name, is_flag=True, default=on, show_default=on, help=words)(command)
            return command

        return add

    @click.group(listed.command, help=f"Look at {listed.command}, count them, or export them to a file.")
    def group() -> None:
        pass

    @group.command(
        "list",
        epilog=examples(
            f"{listed.command} list --since 7d --take 20",
            f"{listed.command} list --state -o csv > {listed.command}.csv",
        ),
    )
    @SINCE
    @UNTIL
    @including(False)
    @click.option("--take", type=click.IntRange(1), help="How many at most.")
    @click.option("-o", "--output", type=click.Choice(FORMATS), help="By default a table on a terminal, else jsonl.")
    def show_list(
        since: datetime | None, until: datetime | None, take: int | None, output: str | None, **include: bool
    ) -> None:
        """Show them, in the server's order."""
        from itertools import islice

        from .._columns import columns
        from .._decoding.page import record_type
        from .._resources import MAX_LIMIT, list_records
        from .output import show

        with reading(listed, since, until) as resource:
            limit = min(take or MAX_LIMIT, MAX_LIMIT)
            records = list_records(resource, since, until, limit, 1 if take == limit else 4, **include)
            with closing(iter(records)) as found:
                output = output or ("table" if sys.stdout.isatty() else "jsonl")
                show(islice(found, take), output, columns(record_type(resource.envelope)))

    @group.command(epilog=examples(f"{listed.command} count --since 2026-11-01 --until 2026-12-01"))
    @SINCE
    @UNTIL
    def count(since: datetime | None, until: datetime | None) -> None:
        """Tell how many there are."""
        from .._resources import count_records

        with reading(listed, since, until) as resource:
            total = count_records(resource, since, until)
        if total is None:
            raise click.ClickException("the server tells no total: count the lines of its list instead")
        write(f"{total}\n")

    @group.command(
        epilog=examples(
            f"{listed.command} export --since 2026-11-01 --until 2026-12-01 --to november.parquet",
            f"{listed.command} export --to all.jsonl.gz --drop messages.message --hash external_user_id",
        )
    )
    @click.option(
        "--to",
        required=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="A file; .jsonl, .jsonl.gz, .csv or .parquet.",
    )
    @SINCE
    @UNTIL
    @including(True)
    @click.option("--drop", multiple=True, metavar="FIELD", help="Leave a field out, as messages.message.")
    @click.option(
        "--hash",
        "hashed",
        multiple=True,
        metavar="FIELD",
        help="A hmac_hex hash instead; the secret is KONVO_HASH_SECRET.",
    )
    @click.option("--resume", is_flag=True, help="Go on where an interrupted export stopped.")
    @click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
    @CONCURRENCY
    def export(
        to: Path,
        since: datetime | None,
        until: datetime | None,
        drop: tuple[str, ...],
        hashed: tuple[str, ...],
        resume: bool,
        overwrite: bool,
        concurrency: int,
        **include: bool,
    ) -> None:
        """Write them to a file, the oldest update first, each once.

        The file is whole or not there: until it is whole, what has been read is in a folder beside it.
        """
        if to.exists() and not overwrite:
            raise click.UsageError(f"{to} is there already: add --overwrite, or choose another name")
        from .._export.export import export as write_file
        from .._resources import count_records
        from .output import meter

        with reading(listed, since, until) as resource:
            total = count_records(resource, since, until) if sys.stderr.isatty() else None
            with meter(total) as progress:
                records = write_file(
                    resource,
                    to,
                    updated_at_min=since,
                    updated_at_max=until,
                    times=raw_times(),
                    include=include,
                    drop=drop,
                    hashed=hashed,
                    secret=os.environ.get("KONVO_HASH_SECRET", ""),
                    resume=resume,
                    concurrency=concurrency,
                    progress=progress,
                    tell=tell,
                )
        tell(f"{records:,} {listed.command} in {to}")

    return group


def client() -> Konvo:
    from .. import Konvo

    return Konvo(on_drift="ignore")


@contextmanager
def reading(listed: Listed, since: datetime | None, until: datetime | None) -> Iterator[Resource[Any, Any]]:
    if since and until and since > until:
        raise click.UsageError("--since must not be after --until")
    with client() as opened:
        yield getattr(opened, listed.attribute)
