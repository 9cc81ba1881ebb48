"""The command `konvo`: its commands, and the mapping of errors to exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._version import INSTALL_EXTRA, __version__

try:
    import click
except ModuleNotFoundError:
    sys.exit(f"the command konvo needs click: {INSTALL_EXTRA.format('cli')}")

from .._generated.attributes import COMMANDS, RESOURCES
from .mock import mock
from .options import CONCURRENCY, DROP, HASH, DurationType, TimeType, examples
from .output import StdoutClosed, emit, progress_bar, status
from .resource_commands import ResourceGroup, open_client

FAILURE, USAGE, KEY_REJECTED, INTERRUPTED, TERMINATED = 1, 2, 4, 130, 143
EPILOG = """
\b
Environment:
  KONVO_API_KEY       API key; there is no option for it.
  KONVO_API_KEY_FILE  File that contains the API key.
  KONVO_BASE_URL      Address of another server, e.g. a mock.
  KONVO_LOG           Log level: debug shows requests, info retries and waits.

\b
Exit codes:
  0    success
  1    failure
  2    wrong usage
  4    API key missing or rejected
  130  interrupted by Ctrl-C
  143  terminated by SIGTERM
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="konvo", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_obj
def konvo(settings: dict[str, bool], debug: bool) -> None:
    """List, export and analyze the AI conversations of Konvo."""
    settings["debug"] = debug


for name in COMMANDS:
    konvo.add_command(ResourceGroup(name))
konvo.add_command(mock)


@konvo.command(epilog=examples("sync --to konvo.duckdb", "sync --to postgres --since 90d"))
@click.option(
    "--to",
    default="konvo.duckdb",
    show_default=True,
    metavar="DESTINATION",
    help="DuckDB file, or the name of a dlt destination, e.g. postgres.",
)
@click.option("--since", type=TimeType(), help="First sync only: skip sessions without updates after this time.")
@click.option(
    "--lookback", type=DurationType(), help="Read this much again, for late changes; default: 1d, or 30d where needed."
)
@DROP
@HASH
@CONCURRENCY
def sync(to: str, **options: Any) -> None:
    """Copy new and changed sessions to a database.

    The tables are ai_sessions and ai_sessions__messages. Each run continues where the previous one ended.
    """
    with require_extra("sync"):
        from .._warehouse.sync import sync as run_sync
        from .._warehouse.time_filters import advice
    with open_client() as client, progress_bar(None) as progress:
        secret = os.environ.get("KONVO_HASH_SECRET", "")
        synced = run_sync(client, to, secret=secret, progress=progress, **options)
    if missing := advice(synced):
        status(missing)
    status(f"{synced.sessions:,} sessions read, {to} is up to date with {synced.up_to:%Y-%m-%d %H:%M:%S %Z}")


@konvo.command(epilog=examples("report --from konvo.duckdb --to report.html"))
@click.option(
    "--from",
    "database",
    default="konvo.duckdb",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="DuckDB file that konvo sync has written.",
)
@click.option(
    "--to",
    default="report.html",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file to write.",
)
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="NAME",
    help="Time zone for weekly and hourly figures, e.g. Europe/Berlin.",
)
def report(database: Path, to: Path, timezone: str) -> None:
    """Write an HTML report of how well the AI resolves.

    It shows the resolution rate by week, channel and skill, and the busiest hours.
    """
    with require_extra("report"):
        from .._warehouse.report import report as make_page
    made = make_page(database, to, timezone=timezone)
    status(f"{made.sessions:,} sessions in {to}, {made.bytes / 1e6:.1f} MB")


@konvo.command()
@click.argument("resource", required=False, metavar="[RESOURCE]", type=click.Choice([*COMMANDS]))
@click.pass_context
def doctor(context: click.Context, resource: str | None) -> None:
    """Compare what the server does with the API document.

    RESOURCE is one of the commands above, by default the first. Needs an API key. Sends at most 30 requests; they only
    read.
    """
    from .._doctor.runner import examine

    with open_client() as client:
        status(f"API key found; checking {client}")
    names = {cls: name for name, cls in RESOURCES.items()}
    found = examine(names[COMMANDS[resource]] if resource else None)
    emit("\n".join([*found.lines(), ""]))
    context.exit(FAILURE if found.deviations else 0)


@konvo.command(epilog=examples("completion bash >> ~/.bashrc"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script for a shell."""
    from click.shell_completion import get_completion_class

    if completion_class := get_completion_class(shell):
        emit(completion_class(konvo, {}, "konvo", "_KONVO_COMPLETE").source())


@contextmanager
def require_extra(extra: str) -> Iterator[None]:
    """Turns the import error of a missing package into a message that names the extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(f"this needs {error.name}: {INSTALL_EXTRA.format(extra)}") from None


class Terminated(BaseException):
    """SIGTERM, with which systemd, cron and containers end a command."""


@contextmanager
def sigterm_raised() -> Iterator[None]:
    """Raises SIGTERM as an exception, so that it cleans up as Ctrl-C does."""

    def terminate(number: int, frame: object) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield  # Python sets handlers in the main thread only
        return
    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def main() -> int:
    """Runs the command of the arguments; prints its error, and returns the exit code."""
    settings = {"debug": "--debug" in sys.argv}
    try:
        with sigterm_raised():
            code = konvo.main(prog_name="konvo", standalone_mode=False, obj=settings)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        status("interrupted")
        return INTERRUPTED
    except Terminated:
        status("terminated")
        return TERMINATED
    except StdoutClosed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # since Python flushes it once more at exit
        return 0
    except Exception as error:
        if settings["debug"]:
            import traceback

            traceback.print_exc()
        else:
            status(f"konvo: {describe(error)}")
        return exit_code(error)


def describe(error: Exception) -> str:
    """Returns the message for an error; an unexpected one also names its type."""
    from ..errors import KonvoError

    expected = isinstance(error, KonvoError | OSError)
    return str(error) if expected else f"{type(error).__name__}: {error}; run konvo --debug to see the traceback"


def exit_code(error: Exception) -> int:
    from .._settings import InvalidKeyError
    from ..errors import AuthenticationError, ConfigurationError, PermissionDeniedError

    if isinstance(error, AuthenticationError | PermissionDeniedError | InvalidKeyError):
        return KEY_REJECTED
    return USAGE if isinstance(error, ConfigurationError) else FAILURE


if __name__ == "__main__":
    sys.exit(main())
