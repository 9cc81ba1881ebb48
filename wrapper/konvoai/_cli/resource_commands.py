"""The commands that each resource of the API has: `list`, `count` and `export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._generated.attributes import COMMANDS
from .options import ARGUMENT, CONCURRENCY, DROP, HASH, argument_options, examples, raw_times, time_options
from .output import emit, emit_records, progress_bar, status

if TYPE_CHECKING:
    from .._client import Konvo
    from .._resources import Resource

    ResourceClass = type[Resource[Any, Any]]

OUTPUTS = ("table", "json", "jsonl", "csv")


def resource_class(command: str) -> ResourceClass:
    """Returns the resource class of a command group."""
    from .._generated import lists  # late: importing the classes takes longer than `konvo --help` with all the rest

    found: ResourceClass = getattr(lists, COMMANDS[command])
    return found


class ResourceGroup(click.Group):
    """The commands of one resource, built when one of them is used, since that imports the resource class."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help=f"List, count or export {name}.")
        self.resource_name = name

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._build()
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._build()
        return super().get_command(ctx, cmd_name)

    def _build(self) -> None:
        if not self.commands:
            resource = resource_class(self.resource_name)
            for build in (list_command, count_command, export_command):
                self.add_command(build(resource))


def list_command(resource: ResourceClass) -> click.Command:
    """Returns the command `list` of a resource."""
    name = resource.command

    @click.command(
        "list",
        help=f"Print {name} in the server's order.",
        epilog=examples(f"{name} list --take 20", f"{name} list -o csv > {name}.csv"),
    )
    @time_options(resource.parameters().times)
    @argument_options(resource, flags=False)
    @click.option("--take", type=click.IntRange(1), metavar="N", help=f"Print at most N {name}.")
    @click.option(
        "-o",
        "--output",
        type=click.Choice(OUTPUTS),
        metavar="FORMAT",
        help="One of table, json, jsonl and csv; default: table on a terminal, else jsonl.",
    )
    def command(**options: Any) -> None:
        print_records(resource, **options)

    return command


def count_command(resource: ResourceClass) -> click.Command:
    """Returns the command `count` of a resource."""
    name = resource.command

    @click.command(
        "count",
        help=f"Print the number of {name}.",
        epilog=examples(f"{name} count --since 2026-11-01 --until 2026-12-01"),
    )
    @time_options(resource.parameters().times)
    @argument_options(resource, flags=None)
    def command(**options: Any) -> None:
        print_count(resource, **options)

    return command


def export_command(resource: ResourceClass) -> click.Command:
    """Returns the command `export` of a resource."""
    name = resource.command

    @click.command(
        "export",
        help=f"Write {name} to a file, each once, oldest update first.\n\n"
        "The file appears when it is complete. Until then, the data is in a hidden folder next to it. "
        "--drop and --hash can be repeated.",
        epilog=examples(
            f"{name} export --since 2026-11-01 --to november.parquet",
            f"{name} export --to all.jsonl.gz --drop messages.message",
            f"{name} export --to all.csv --hash external_user_id",
        ),
    )
    @click.option(
        "--to",
        required=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="Target file: .jsonl, .jsonl.gz, .csv or .parquet.",
    )
    @time_options(resource.parameters().times)
    @argument_options(resource, flags=True)
    @DROP
    @HASH
    @click.option("--resume", is_flag=True, help="Continue an interrupted export.")
    @click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
    @CONCURRENCY
    def command(**options: Any) -> None:
        export_records(resource, **options)

    return command


def print_records(resource: ResourceClass, take: int | None, output: str | None, **options: Any) -> None:
    """Prints the records of a resource; `output` is one of OUTPUTS, None for the default of the terminal or pipe."""
    from itertools import islice

    from .._decoding.page import record_type
    from .._resources import list_records
    from .._tables.columns import columns

    with open_resource(resource, options) as (opened, since, until, arguments):
        size = resource.default_limit()
        limit = min(take or size, size)
        concurrency = 1 if take == limit else 8  # all fit in one page, so that others would be read in vain
        with closing(iter(list_records(opened, since, until, limit, concurrency, **arguments))) as records:
            output = output or ("table" if sys.stdout.isatty() else "jsonl")
            emit_records(islice(records, take), output, columns(record_type(resource.envelope)))


def print_count(resource: ResourceClass, **options: Any) -> None:
    """Prints the number of records of a resource.

    Raises:
        ClickException: The server returns no total.
    """
    from .._resources import count_records

    with open_resource(resource, options) as (opened, since, until, arguments):
        total = count_records(opened, since, until, **arguments)
    if total is None:
        raise click.ClickException(
            f"the server returns no total: count the lines of `konvo {resource.command} list -o jsonl` instead"
        )
    emit(f"{total}\n")


def export_records(
    resource: ResourceClass,
    to: Path,
    overwrite: bool,
    drop: tuple[str, ...],
    hashed: tuple[str, ...],
    resume: bool,
    concurrency: int,
    **options: Any,
) -> None:
    """Exports the records of a resource to a file, with a progress bar on a terminal."""
    if to.exists() and not overwrite:
        raise click.UsageError(f"{to} exists: pass --overwrite to replace it, or choose another name")
    from .._export.export import export
    from .._resources import count_records

    with open_resource(resource, options) as (opened, since, until, arguments):
        total = count_records(opened, since, until, **arguments) if sys.stderr.isatty() else None
        with progress_bar(total) as progress:
            records = export(
                opened,
                to,
                updated_at_min=since,
                updated_at_max=until,
                raw_times=raw_times(),
                include=arguments,
                drop=drop,
                hashed=hashed,
                secret=os.environ.get("KONVO_HASH_SECRET", ""),
                resume=resume,
                concurrency=concurrency,
                progress=progress,
                status=status,
            )
    status(f"{records:,} {resource.command} in {to}")


def open_client() -> Konvo:
    from .. import Konvo

    return Konvo(on_drift="ignore")


Opened = tuple["Resource[Any, Any]", datetime | None, datetime | None, dict[str, Any]]


@contextmanager
def open_resource(resource: ResourceClass, options: dict[str, Any]) -> Iterator[Opened]:
    """Opens a client, and yields its resource of the given class, the times, and the other arguments of a list."""
    since, until = options.get("since"), options.get("until")
    if since and until and since > until:
        raise click.UsageError("--since must not be after --until")
    prefixed = {name: value for name, value in options.items() if name.startswith(ARGUMENT) and value is not None}
    given = {name.removeprefix(ARGUMENT): value for name, value in prefixed.items() if value != ()}
    with open_client() as client:
        yield next(value for value in vars(client).values() if isinstance(value, resource)), since, until, given
