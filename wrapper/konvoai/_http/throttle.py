"""When the requests of one client may be sent: pure decisions over a clock, under one lock."""

import math
import threading


class Throttle:
    """One for all requests of a client: shut while the server has told any of them to wait, narrower after a 429.

    After a 429 half as many requests may be in flight as were then, at least one; each answer that comes lets more
    through again: one more after as many as are let through. Requests that were under way when it narrowed narrow it
    no further.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paused_until = -math.inf
        self._limit = math.inf
        self._narrowed_at = -math.inf
        self.in_flight = 0

    def acquire(self, now: float) -> float:
        """0 where a request may be sent now, which is then in flight; else how many seconds to wait, or to be told."""
        with self._lock:
            if now < self._paused_until:
                return self._paused_until - now
            if self.in_flight >= self._limit:
                return math.inf
            self.in_flight += 1
            return 0.0

    def release(self) -> None:
        with self._lock:
            self.in_flight -= 1

    def on_response(self, status: int, sent_at: float, now: float) -> None:
        """Hears how a request in flight was answered."""
        with self._lock:
            if status == 429 and sent_at >= self._narrowed_at:
                self._limit = max(min(self._limit, self.in_flight) // 2, 1)
                self._narrowed_at = now
            elif status == 200:
                self._limit += 1 / self._limit

    def pause_until(self, until: float) -> None:
        with self._lock:
            self._paused_until = max(self._paused_until, until)
