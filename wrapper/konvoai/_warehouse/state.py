"""How far a sync has come, and which fields it leaves out: one state for each API key and address."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Literal, NamedTuple

from .._arguments import validate_time
from .._client import Konvo, source_digest
from .._decoding.records import Record
from .._export.redaction import hmac_hex, redactor
from .._pagination.protocol import Window
from .._pagination.window_plan import BEGINNING
from .._tables.columns import columns
from ..errors import ConfigurationError
from ..models import AISession

ID_FIELDS = ("id", "status.session_id", "state.session_id", "messages.session_id")
"""The fields that have the id of the session."""
STATES = "syncs"
Stored = MutableMapping[str, Any]
"""What dlt stores in a destination: under `STATES`, the state of each API key and address."""
Filters = Literal["created", "updated"]
Progress = Callable[[Window[Record], int], object]
DEFAULT_LOOKBACK = timedelta(days=1)
CREATED_LOOKBACK = timedelta(days=30)
"""The default where the time filters do not mean updates, or nobody knows yet what they mean."""


class SyncResult(NamedTuple):
    """What a sync did.

    Attributes:
        sessions: Number of sessions read, including those of the lookback.
        up_to: The tables have every update up to this time, an aware datetime.
        first: Whether the destination had no state of this API key and address, so that everything was read.
        start: The time that this sync read from, an aware datetime; None for the beginning.
        filters: Which time of a session the API's time filters mean; None where no session shows it yet.
    """

    sessions: int
    up_to: datetime
    first: bool
    start: datetime | None = None
    filters: Filters | None = None


@dataclass
class State:
    """The state of the syncs with one API key and address.

    Attributes:
        since: The earliest time requested, ISO 8601; None for the beginning.
        up_to: Every update up to this time has been read, ISO 8601; None before the first sync.
        filters: Which time of a session the API's time filters mean; None as long as the records do not show it.
        redaction: The fields that are dropped and hashed, and a digest of the secret; None before the first sync.
    """

    since: str | None = None
    up_to: str | None = None
    filters: Filters | None = None
    redaction: dict[str, Any] | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> State:
        return cls(**json.loads(text))

    def resume_from(self, since: datetime | None, lookback: timedelta | None) -> datetime | None:
        """Returns the time to read from; None for the beginning. A `since` earlier than the stored one starts over.

        Raises:
            ValueError: `since` has no time zone or is in the future, or `lookback` is negative.
        """
        since = validate_start(since, lookback)
        earliest = datetime.fromisoformat(self.since) if self.since else BEGINNING
        if self.up_to is None or (since or earliest) < earliest:
            self.since, self.up_to = since.isoformat() if since else None, None
            return since
        up_to = datetime.fromisoformat(self.up_to)
        return max(up_to - min(self.lookback(lookback), up_to - BEGINNING), earliest)

    def lookback(self, requested: timedelta | None) -> timedelta:
        """Returns how far before the end of the last sync the next one starts."""
        default = DEFAULT_LOOKBACK if self.filters == "updated" else CREATED_LOOKBACK
        return default if requested is None else requested

    def advance(self, end: datetime) -> None:
        """Moves `up_to` to a later time; a window within the lookback does not move it back."""
        self.up_to = end.isoformat() if self.up_to is None else max(self.up_to, end.isoformat(), key=as_time)


def as_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def validate_start(since: datetime | None, lookback: timedelta | None) -> datetime | None:
    """Returns `since` in UTC.

    Raises:
        ValueError: It has no time zone or is in the future, or `lookback` is negative.
    """
    if lookback is not None and lookback < timedelta(0):
        raise ValueError("lookback must not be negative")
    since = validate_time("since", since)
    if since is not None and since > datetime.now(UTC):
        raise ConfigurationError("since is in the future: use an earlier time, or leave it out to read everything")
    return since


def new_salt() -> str:
    return token_hex(16)


class Redaction:
    """The fields to drop and to hash.

    Attributes:
        redact: Returns a record without the fields to drop, and with hashes.

    Raises:
        ConfigurationError: A field does not exist, or there is no secret for the hashes.
    """

    def __init__(self, drop: Sequence[str], hashed: Sequence[str], secret: str) -> None:
        if "id" in drop:
            raise ConfigurationError("a sync needs the id to replace rows: hash it, or export to a file without it")
        hashed = [*dict.fromkeys(name for field in hashed for name in (ID_FIELDS if field == "id" else (field,)))]
        hashed = [name for name in hashed if name not in drop]
        self.redact = redactor(columns(AISession), drop, hashed, secret)
        digest = hmac_hex(secret, "") if hashed else ""
        self._options = {"drop": sorted(drop), "hash": sorted(hashed), "secret": digest}

    def check(self, state: State) -> None:
        """Stores the options in the state of the first sync.

        Raises:
            ConfigurationError: Earlier syncs had others.
        """
        if state.redaction not in (None, self._options):
            raise ConfigurationError(
                "earlier syncs to this destination dropped or hashed other fields, or had another KONVO_HASH_SECRET: "
                "repeat their options, or sync to another destination"
            )
        state.redaction = self._options


def load_state(stored: Mapping[str, Any], konvo: Konvo) -> State:
    """Returns the state of the client's API key and address; an empty one where there is none."""
    own = (entry["state"] for entry in stored.get(STATES, []) if is_own(entry, konvo))
    return State(**next(own, {}))


def store_state(stored: Stored, konvo: Konvo, state: State) -> None:
    others = [entry for entry in stored.get(STATES, []) if not is_own(entry, konvo)]
    salt = new_salt()
    stored[STATES] = [*others, {"salt": salt, "source": source_digest(konvo, salt), "state": vars(state).copy()}]


def is_own(entry: Mapping[str, Any], konvo: Konvo) -> bool:
    return bool(entry["source"] == source_digest(konvo, entry["salt"]))
