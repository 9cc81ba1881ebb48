"""The AI sessions as a dlt source, for your own pipelines: `pipeline.run(konvo_source())`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ._version import INSTALL_EXTRA

try:
    import dlt  # noqa: F401 - a missing one is reported here
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"konvoai.dlt needs dlt: {INSTALL_EXTRA.format('dlt')}", name="dlt") from error
import pyarrow as pa

from ._client import Konvo
from ._settings import as_secret
from ._warehouse.pipeline import make_source
from ._warehouse.state import Redaction, Stored, load_state, store_state, validate_start
from ._warehouse.sync import read, scan_windows
from ._warehouse.tables import ID, SESSIONS_TABLE

if TYPE_CHECKING:
    from dlt.extract import DltSource

__all__ = ["konvo_source"]


def konvo_source(
    api_key: str | None = None,
    *,
    base_url: str | None = None,
    since: datetime | None = None,
    lookback: timedelta | None = None,
    drop: Sequence[str] = (),
    hashed: Sequence[str] = (),
    concurrency: int = 8,
) -> DltSource:
    """Returns the AI sessions as a dlt source: the first run loads all of them, later runs what was updated since.

    The source has one resource, which loads Arrow tables: `ai_sessions`, merged by `id`, and `ai_sessions__messages`.
    dlt commits its state, which says where the next run continues, together with the rows. If a session changes while a
    run reads it, the run ends before that session repeats, and the next run continues.

    Args:
        api_key: The API key; default: the environment variable KONVO_API_KEY.
        base_url: The server's address; default: KONVO_BASE_URL, or else the server in the API document.
        since: Load only sessions updated after this time, an aware datetime; None for all. Once there is a state, an
            earlier time than before reads again from there, and a later one changes nothing.
        lookback: How far before the end of the last run the next one starts, to catch changes that arrive late; None is
            a day, or 30 where the time filters of the API are not known to mean updates.
        drop: Fields to leave out, e.g. `messages.message`.
        hashed: Fields whose values are replaced by an HMAC-SHA256; the key is KONVO_HASH_SECRET.
        concurrency: Maximum number of requests in flight.

    Raises:
        KonvoError: There is no key, or the address is invalid. An error during a run is a `KonvoError` among the
            causes of dlt's `PipelineStepFailed`.
        ValueError: A time has no time zone, the lookback is negative, or the concurrency is below 1.
    """
    api_key = as_secret(api_key)

    def open_client() -> Konvo:
        return Konvo(api_key, base_url=base_url, on_drift="ignore")

    redaction = Redaction(drop, hashed, os.environ.get("KONVO_HASH_SECRET", ""))

    def read_tables(stored: Stored) -> Iterator[dict[str, pa.Table]]:
        with open_client() as konvo:
            state, keys = load_state(stored, konvo), set[str]()
            redaction.check(state)
            start = state.resume_from(since, lookback)
            for batch in read(konvo, state, start, concurrency, redaction):
                batch_keys = batch.tables[SESSIONS_TABLE][ID].to_pylist()
                if not keys.isdisjoint(batch_keys):
                    return  # of two rows with the same key, dlt does not know the later one
                keys.update(batch_keys)
                store_state(stored, konvo, state)
                yield batch.tables

    with open_client() as konvo:  # reports invalid arguments now, not during a run
        validate_start(since, lookback)
        scan_windows(konvo, since, concurrency)
    return make_source(read_tables)
