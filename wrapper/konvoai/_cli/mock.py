"""The command `konvo mock`: a stateful mock of the API for demos, by hand and from other languages."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from .options import examples
from .output import emit

if TYPE_CHECKING:
    from ..testing._server import MockServer
    from .prism import Mock

KEY = "test-key"
PORTS, SIZES = click.IntRange(0, 65535), click.IntRange(0)


@click.command(epilog=examples("mock", "mock --sessions 20000 --moving 1 --faults 0.1"))
@click.option("--port", type=PORTS, default=4010, show_default=True, metavar="PORT", help="0 for any free one.")
@click.option("--sessions", type=SIZES, default=1000, show_default=True, metavar="N", help="Sessions at the start.")
@click.option(
    "--moving",
    type=click.FloatRange(0),
    default=0.0,
    metavar="N",
    help="Sessions that are changed, added or removed before each response, e.g. 1 or 0.2.",
)
@click.option(
    "--faults",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Share of the requests that fail, e.g. 0.1: with status 429 or 5xx, or a lost connection.",
)
@click.option("--page-base", type=click.Choice(["0", "1"]), default="0", help="Number of the first page; default: 0.")
@click.option(
    "--validate",
    is_flag=True,
    help="Let Prism check each request and response against the API document; needs Node.js 20 and Prism.",
)
def mock(port: int, sessions: int, moving: float, faults: float, page_base: str, validate: bool) -> None:
    """Run a mock of the Konvo API until Ctrl-C.

    Its sessions are synthetic. It listens on this machine only, and prints the two variables that lead a program to it.
    """
    from .prism import MockError, check_free

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    server = make_server(sessions, moving, faults, int(page_base))
    try:
        check_free(port)
        if validate:
            with server.running(), validating(server, port) as proxy:
                announce(proxy.url, sessions)
                follow_log(proxy)
        else:
            with server.running(port):
                announce(server.url, sessions)
                threading.Event().wait()
    except MockError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        emit(f"\nThe mock has stopped after {len(server.requests):,} requests.\n")


def make_server(sessions: int, moving: float, faults: float, page_base: int) -> MockServer:
    from ..testing._server import MockServer, random_faults
    from ..testing._store.changes import keep_changing
    from ..testing._store.made_store import MadeStore

    store = MadeStore.until(None, sessions, 0, page_base=page_base, order="updated")
    keep_changing(store, moving)
    return MockServer(store=store, key=KEY, fault=random_faults(faults))


@contextmanager
def validating(server: MockServer, port: int) -> Iterator[Mock]:
    """Runs Prism as a proxy that sends status 422 for an invalid request, and 500 for an invalid response."""
    from .prism import prism

    with prism(port=port, command="proxy", extra=["--errors", server.url]) as proxy:
        yield proxy


def announce(url: str, sessions: int) -> None:
    emit(f"A mock of the Konvo API with {sessions:,} sessions listens on {url}; press Ctrl-C to stop it.\n")
    emit(f"In another terminal, run:\n    export KONVO_BASE_URL={url} KONVO_API_KEY={KEY}\n")


def follow_log(proxy: Mock) -> None:
    """Prints Prism's log until Prism exits.

    Raises:
        ClickException: Prism exits by itself.
    """
    with proxy.log_file.open(encoding="utf-8", errors="replace") as log:
        while proxy.process.poll() is None:
            emit(log.read())
            time.sleep(0.1)
    raise click.ClickException(f"Prism exited unexpectedly with code {proxy.process.returncode}")
