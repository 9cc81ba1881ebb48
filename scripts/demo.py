"""Demonstrate konvoai: read the sessions of a mock of the API, by pages and by time windows; say what to try next."""

from __future__ import annotations

import signal
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from konvoai import AISession, Konvo, KonvoError, Page, Unset, Window
from konvoai.testing import MockKonvo

SESSIONS = 3000
LATENCY = 0.1
"""Seconds for each response, as over the internet."""
WIDTH = 80
BAR_WIDTH = 40
TRY_NEXT = """\
Try next:

  make mock
      runs this mock for your own programs, until Ctrl-C
  .venv/bin/konvo sessions list --since 7d -o table
      in another terminal, with the two variables that `make mock` prints
  less docs/testing.md
      test your own code: five complete tests with the fixture mock_konvo"""


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with MockKonvo(sessions=SESSIONS - 1, order="-updated") as mock, mock.client() as konvo:
            demonstrate(mock, konvo)
    except KonvoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(TRY_NEXT)
    return 0


def demonstrate(mock: MockKonvo, konvo: Konvo) -> None:
    add_example(mock)
    mock.latency = LATENCY
    print(f"A mock of the Konvo API with {SESSIONS:,} sessions listens on {mock.url}.")
    print("Its newest session, which is the example of the API document:\n")
    for session in konvo.ai_sessions.list(limit=1, messages=True, state=True):
        print(format_session(session), end="\n\n", flush=True)
        break
    print("All sessions, with messages and state:\n")
    read("list", konvo.ai_sessions.list(messages=True, state=True).pages(), mock)
    sessions = read("scan", konvo.ai_sessions.scan(messages=True, state=True).windows(), mock)
    print("\nResolved, by the skill of the AI:\n")
    print(format_resolved(sessions), end="\n\n")


def add_example(mock: MockKonvo) -> None:
    """Add the example session of the API document as the newest."""
    mock.add(
        id="2eac78c7-ef64-49cb-82f0-7280b555f015",
        channel="whatsapp",
        type="CONCIERGE",
        messages=[
            {"message": "Hi, I need help with my order"},
            {"message": "Of course! What is the number of your order?"},
        ],
    )


def read(name: str, parts: Iterable[Page[AISession] | Window[AISession]], mock: MockKonvo) -> list[AISession]:
    """Read to the end and print the sessions, the requests and the seconds; return the sessions."""
    requests_before, start = len(mock.requests), time.monotonic()
    sessions: list[AISession] = []
    try:
        for part in parts:
            sessions += part.items
            show_progress(f"{name}  {'█' * (BAR_WIDTH * len(sessions) // SESSIONS):·<{BAR_WIDTH}} {len(sessions):,}")
    finally:
        show_progress("")
    seconds, requests = time.monotonic() - start, len(mock.requests) - requests_before
    print(f"  {name}  {len(sessions):,} sessions, {requests} requests, {seconds:.1f} s", flush=True)
    return sessions


def show_progress(line: str) -> None:
    """Overwrite the last line on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def format_resolved(sessions: list[AISession]) -> str:
    """Return a line with a bar for each skill."""
    both = [(session.state, session.status) for session in sessions]
    totals = Counter(str(state.type_) for state, _ in both if state)
    resolved = Counter(str(state.type_) for state, status in both if state and status and not status.unresolved)
    return "\n".join(
        f"  {skill:<10} {'█' * round(BAR_WIDTH * resolved[skill] / total):·<{BAR_WIDTH}}"
        f" {resolved[skill] / total:4.0%} of {total:,}"
        for skill, total in totals.most_common()
    )


def format_session(session: AISession) -> str:
    """Return a session in readable lines."""
    status, state = session.status, session.state
    lines = [
        f"  session   {session.id}",
        f"  channel   {session.channel or 'unknown'}, since {format_time(session.created_at)}",
    ]
    if status:
        outcome = "unresolved" if status.unresolved else "resolved"
        lines.append(f"  status    {'completed' if status.completed else 'open'}, {outcome}")
    if state:
        lines.append(f"  skill     {state.type_ or 'unknown'}")
    for message in session.messages or []:
        speaker = "AI" if message.initiator_origin == "AI" else "shopper"
        text = f"{speaker:<9} {message.message or ''}"
        lines.append(textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 12))
    return "\n".join(lines)


def format_time(time: datetime | Unset) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "no time"


if __name__ == "__main__":
    sys.exit(main())
