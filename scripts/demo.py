"""Demonstrate konvoai: read one session from Prism's mock, then thousands from a mock server, validated by Prism."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from konvoai import AISession, Konvo, KonvoError, Page, Unset, Window
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.store import Store
from scripts.mock import MockError, prism

SESSIONS = 3000
BAR_WIDTH = 40


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        read_the_mock()
        read_the_mock_server()
    except (KonvoError, MockError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def read_the_mock() -> None:
    """Print the example session of the API document."""
    with prism() as mock, Konvo("demo", base_url=mock.url) as konvo:
        print(f"A mock of the Konvo API listens on {mock.url}. Its sessions, with messages and state:\n")
        for session in konvo.ai_sessions.list(messages=True, state=True):
            print(format_session(session), end="\n\n", flush=True)


def read_the_mock_server() -> None:
    """Read the sessions of a mock server by pages, then by time windows."""
    with mock_server(make_store()) as server, prism(command="proxy", extra=["--errors", server.url]) as proxy:
        with Konvo("demo", base_url=proxy.url) as konvo:
            print(f"A mock server with {SESSIONS} sessions. Prism validates every response against the API document:\n")
            read("list", konvo.ai_sessions.list(messages=True, state=True).pages(), server)
            read("scan", konvo.ai_sessions.scan(messages=True, state=True).windows(), server)


def make_store() -> Store:
    """Return a store with one session per hour, up to now."""
    hour = timedelta(hours=1)
    return Store.of(SESSIONS, datetime.now(UTC) - SESSIONS * hour, hour)


def read(name: str, parts: Iterable[Page[AISession] | Window[AISession]], server: MockServer) -> None:
    """Read to the end and print the sessions, the requests and the seconds."""
    requests_before, start, sessions = len(server.requests), time.monotonic(), 0
    try:
        for part in parts:
            sessions += len(part.items)
            show_progress(f"{name} {'█' * (BAR_WIDTH * sessions // SESSIONS):·<{BAR_WIDTH}} {sessions}")
    finally:
        show_progress("")
    seconds = time.monotonic() - start
    requests = len(server.requests) - requests_before
    print(f"{name}  {sessions} sessions with messages and state, {requests} requests, {seconds:.1f} s", flush=True)


def show_progress(line: str) -> None:
    """Overwrite the last line on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def format_session(session: AISession) -> str:
    """Return a session in readable lines."""
    status, state = session.status, session.state
    lines = [
        f"session {session.id}",
        f"  channel   {session.channel or 'unknown'}, since {format_time(session.created_at)}",
    ]
    if status:
        outcome = "unresolved" if status.unresolved else "resolved"
        lines.append(
            f"  status    {'completed' if status.completed else 'open'}, {outcome}, {format_time(status.completed_at)}"
        )
    if state:
        lines.append(f"  skill     {state.type_ or 'unknown'}")
    for message in session.messages or []:
        lines.append(f"  {format_time(message.created_at)}  {message.initiator_origin or '?'}: {message.message or ''}")
    return "\n".join(lines)


def format_time(time: datetime | Unset) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "no time"


if __name__ == "__main__":
    sys.exit(main())
