"""When the requests of one client may be sent: pure decisions over a clock, under one lock."""

import math
import threading


class Gate:
    """One for all requests of a client: shut while the server has told any of them to wait, narrower after a 429.

    After a 429 half as many requests may be in flight as were then, at least one; each answer that comes lets more
    through again: one more after as many as are let through. Requests that were under way when it narrowed narrow it
    no further.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shut_until = -math.inf
        self._width = math.inf
        self._narrowed_at = -math.inf
        self.in_flight = 0

    def enter(self, now: float) -> float:
        """0 where a request may be sent now, which is then in flight; else how many seconds to wait, or to be told."""
        with self._lock:
            if now < self._shut_until:
                return self._shut_until - now
            if self.in_flight >= self._width:
                return math.inf
            self.in_flight += 1
            return 0.0

    def leave(self) -> None:
        with self._lock:
            self.in_flight -= 1

    def answered(self, status: int, sent_at: float, now: float) -> None:
        """Hears how a request in flight was answered."""
        with self._lock:
            if status == 429 and sent_at >= self._narrowed_at:
                self._width = max(min(self._width, self.in_flight) // 2, 1)
                self._narrowed_at = now
            elif status == 200:
                self._width += 1 / self._width

    def shut(self, until: float) -> None:
        with self._lock:
            self._shut_until = max(self._shut_until, until)
