"""Drops or hashes fields of the records of a sync, in every sync the same ones."""

from __future__ import annotations

from collections.abc import Sequence

from .._columns import columns
from .._export.redaction import hmac_hex, redactor
from ..errors import ConfigurationError
from ..models import AISession
from .state import State
from .tables import ID

ID_FIELDS = ("id", "status.session_id", "state.session_id", "messages.session_id")
"""The fields that have the id of the session."""


class Redaction:
    """The fields to drop and to hash.

    Attributes:
        redact: Returns a record without the fields to drop, and with hashes.

    Raises:
        ConfigurationError: A field does not exist, or there is no secret for the hashes.
    """

    def __init__(self, drop: Sequence[str], hashed: Sequence[str], secret: str) -> None:
        if ID in drop:
            raise ConfigurationError("a sync needs the id to replace rows: hash it, or export to a file without it")
        hashed = [*dict.fromkeys(name for field in hashed for name in (ID_FIELDS if field == ID else (field,)))]
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
