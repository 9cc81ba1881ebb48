"""The command `konvo`: what people do with sessions, without writing code.

Data goes to stdout, everything else to stderr. Nothing but click is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

try:
    import click
except ModuleNotFoundError:
    sys.exit("the command konvo needs click: pip install 'konvoai[cli]'")

from .._version import __version__
from .options import CONCURRENCY, Moment, Span, examples
from .output import Closed, tell, write
from .resource_commands import LISTS, client, group_of

FAILURE, USAGE, KEY_REFUSED, INTERRUPTED = 1, 2, 4, 130
EPILOG = """
\b
The key is taken from KONVO_API_KEY, or from the file that KONVO_API_KEY_FILE names; never from an argument.
KONVO_BASE_URL is another server than the API's own, as a mock; KONVO_LOG=info shows what is sent.

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 4 no key or one that is refused, 130 interrupted by Ctrl-C.
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="konvo", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_obj
def konvo(settings: dict[str, bool], debug: bool) -> None:
    """AI support conversations of Konvo: look at them, export them, keep a table of them up to date."""
    settings["debug"] = debug


for listed in LISTS:
    konvo.add_command(group_of(listed))


@konvo.command(epilog=examples("sync --to konvo.duckdb", "sync --to postgres --since 90d"))
@click.option(
    "--to",
    default="konvo.duckdb",
    show_default=True,
    help="A DuckDB file, or the name of a dlt destination, as postgres.",
)
@click.option("--since", type=Moment(), help="Of the first sync: only what was updated after this time, date or span.")
@click.option(
    "--lookback", type=Span(), default="1d", show_default=True, help="How far back to look again for late changes."
)
@CONCURRENCY
def sync(to: str, since: datetime | None, lookback: timedelta, concurrency: int) -> None:
    """Keep the tables ai_sessions and ai_sessions__messages up to date: only what changed is read again."""
    from .output import meter

    with require_extra("sync"):
        from .._warehouse.sync import sync as bring_up_to_date
    with client() as opened, meter(None) as progress:
        synced = bring_up_to_date(
            opened, to, since=since, lookback=lookback, concurrency=concurrency, progress=progress
        )
    tell(f"{synced.sessions:,} sessions read, {to} is up to date with {synced.up_to:%Y-%m-%d %H:%M:%S %Z}")


@konvo.command(epilog=examples("report --from konvo.duckdb --to report.html"))
@click.option(
    "--from",
    "database",
    default="konvo.duckdb",
    show_default=True,
    type=click.Path(path_type=Path),
    help="A DuckDB file that konvo sync has made.",
)
@click.option(
    "--to", default="report.html", show_default=True, type=click.Path(dir_okay=False, path_type=Path), help="The page."
)
@click.option("--timezone", default="UTC", show_default=True, help="Of the weeks and hours, as Europe/Berlin.")
def report(database: Path, to: Path, timezone: str) -> None:
    """Make one page of how well the AI resolves: by week, by channel and by skill."""
    with require_extra("report"):
        from .._warehouse.report import report as make_page
    made = make_page(database, to, timezone=timezone)
    tell(f"{made.sessions:,} sessions in {to}, {made.bytes / 1e6:.1f} MB")


@konvo.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Ask the server what its document leaves open, and whether it keeps to it.

    It takes a key, and at most 30 requests, which only read.
    """
    from .._doctor.runner import examine

    with client() as opened:
        tell(f"there is a key; asking with {opened}")
    found = examine()
    write("\n".join([*found.lines(), ""]))
    context.exit(FAILURE if found.deviations else 0)


@konvo.command(epilog=examples("completion bash >> ~/.bashrc"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands and options."""
    from click.shell_completion import get_completion_class

    if kind := get_completion_class(shell):
        write(kind(konvo, {}, "konvo", "_KONVO_COMPLETE").source())


@contextmanager
def require_extra(extra: str) -> Iterator[None]:
    """Says which extra to install where a package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(f"this needs {error.name}: pip install 'konvoai[{extra}]'") from None


def main() -> int:
    """The exit code of a command, after its error has been told."""
    settings = {"debug": "--debug" in sys.argv}
    try:
        code = konvo.main(prog_name="konvo", standalone_mode=False, obj=settings)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        tell("interrupted")
        return INTERRUPTED
    except Closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # which Python flushes once more
        return 0
    except Exception as error:
        if settings["debug"]:
            import traceback

            traceback.print_exc()
        else:
            tell(f"konvo: {sentence(error)}")
        return exit_code(error)


def sentence(error: Exception) -> str:
    from ..errors import KonvoError

    known = isinstance(error, KonvoError | OSError)
    return str(error) if known else f"{type(error).__name__}: {error}; konvo --debug shows where"


def exit_code(error: Exception) -> int:
    from .._settings import InvalidKeyError
    from ..errors import AuthenticationError, ConfigurationError, PermissionDeniedError

    if isinstance(error, AuthenticationError | PermissionDeniedError | InvalidKeyError):
        return KEY_REFUSED
    return USAGE if isinstance(error, ConfigurationError) else FAILURE


if __name__ == "__main__":
    sys.exit(main())
