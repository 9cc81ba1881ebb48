"""When the requests of one client may be sent: pure decisions over a clock, under one lock."""

import math
import threading


class Throttle:
    """An adaptive concurrency limit (AIMD) shared by a client's requests; paused while `Retry-After` runs.

    A 429 halves the limit, to at least one request in flight. Responses of status 200 raise it again, by one after as
    many as the limit. Requests that were in flight when the limit fell do not lower it further.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paused_until = -math.inf
        self._limit = math.inf
        self._lowered_at = -math.inf
        self.in_flight = 0

    def acquire(self, now: float) -> float:
        """Return 0 and count a request as in flight, or the seconds to wait; infinity while the limit is reached."""
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
        """Adapt the limit to the status of a request in flight."""
        with self._lock:
            if status == 429 and sent_at >= self._lowered_at:
                self._limit = max(min(self._limit, self.in_flight) // 2, 1)
                self._lowered_at = now
            elif status == 200:
                self._limit += 1 / self._limit

    def pause_until(self, until: float) -> None:
        with self._lock:
            self._paused_until = max(self._paused_until, until)
