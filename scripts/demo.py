"""Show konvoai at work: read the mock's session, then thousands from a stand-in of the API, each checked by Prism."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from konvoai import AISession, Konvo, KonvoError, Page, Unset, Window
from scripts.mock import MockError, prism
from tests.support.mock_server import MockServer, mock_server
from tests.support.store import Store

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
    """Shows the session that the API document gives as its example."""
    with prism() as mock, Konvo("demo", base_url=mock.url) as konvo:
        print(f"A mock of the Konvo API listens on {mock.url}. Its sessions, with messages and state:\n")
        for session in konvo.ai_sessions.list(messages=True, state=True):
            print(told(session), end="\n\n", flush=True)


def read_the_mock_server() -> None:
    """Reads the sessions of a made-up shop page by page, then by windows of time."""
    with mock_server(a_store()) as store, prism(command="proxy", extra=["--errors", store.url]) as proxy:
        with Konvo("demo", base_url=proxy.url) as konvo:
            print(f"A made-up shop of {SESSIONS} sessions. Prism, before it, holds every answer to the API document:\n")
            read("list", konvo.ai_sessions.list(messages=True, state=True).pages(), store)
            read("scan", konvo.ai_sessions.scan(messages=True, state=True).windows(), store)


def a_store() -> Store:
    """A session an hour, until now."""
    hour = timedelta(hours=1)
    return Store.of(SESSIONS, datetime.now(UTC) - SESSIONS * hour, hour)


def read(name: str, parts: Iterable[Page[AISession] | Window[AISession]], store: MockServer) -> None:
    """Reads to the end, and says how many sessions came by how many requests, and how long it took."""
    asked_before, began, sessions = len(store.requests), time.monotonic(), 0
    try:
        for part in parts:
            sessions += len(part.items)
            show_progress(f"{name} {'█' * (BAR_WIDTH * sessions // SESSIONS):·<{BAR_WIDTH}} {sessions}")
    finally:
        show_progress("")
    seconds = time.monotonic() - began
    requests = len(store.requests) - asked_before
    print(f"{name}  {sessions} sessions with messages and state, {requests} requests, {seconds:.1f} s", flush=True)


def show_progress(line: str) -> None:
    """Writes the line over the one before, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def told(session: AISession) -> str:
    """A session as a person reads it."""
    status, state = session.status, session.state
    lines = [
        f"session {session.id}",
        f"  channel   {session.channel or 'unknown'}, since {at(session.created_at)}",
    ]
    if status:
        outcome = "unresolved" if status.unresolved else "resolved"
        lines.append(f"  status    {'completed' if status.completed else 'open'}, {outcome}, {at(status.completed_at)}")
    if state:
        lines.append(f"  skill     {state.type_ or 'unknown'}")
    for message in session.messages or []:
        lines.append(f"  {at(message.created_at)}  {message.initiator_origin or '?'}: {message.message or ''}")
    return "\n".join(lines)


def at(time: datetime | Unset) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "no time"


if __name__ == "__main__":
    sys.exit(main())
