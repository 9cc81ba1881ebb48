"""Start the mock of the Konvo API, read its sessions through konvoai, and show them."""

from __future__ import annotations

import signal
import sys
from datetime import datetime

from konvoai import AISession, Konvo, KonvoError, Unset
from mock import MockError, prism


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with prism() as mock, Konvo("demo", base_url=mock.url) as konvo:
            print(f"A mock of the Konvo API listens on {mock.url}. Its sessions, with messages and state:\n")
            read = 0
            for session in konvo.ai_sessions.list(messages=True, state=True):
                print(told(session))
                read += 1
        print(f"\nRead {read} session{'' if read == 1 else 's'}; the mock has ended.")
    except (KonvoError, MockError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


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
