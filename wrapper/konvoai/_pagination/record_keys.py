"""What makes two records the same one: their id, or else their JSON."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from ..errors import APIStatusError

T = TypeVar("T")
Key = str | bytes
UUID_SIZE, DIGEST_SIZE = 16, 20


def record_key(item: Any) -> Key:
    """Identifies a record: its id, or a hash of its JSON where the id is missing or no text."""
    key = getattr(item, "id", None)
    if isinstance(key, str) and key:
        return compact(key)
    raw = getattr(item, "raw", None)
    text = raw if isinstance(raw, str) else json.dumps(item.to_dict(), sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_SIZE).digest()


def compact(identifier: str) -> Key:
    """A UUID as its 16 bytes, since long lists keep the keys of all records; other text as it is."""
    if len(identifier) == 36 and identifier[8::5][:4] == "----" and identifier == identifier.lower():
        with suppress(ValueError):
            key = bytes.fromhex(identifier.replace("-", ""))
            if len(key) == UUID_SIZE:  # else it has spaces or more hyphens, and others would have the same digits
                return key
    return identifier


def record_keys(items: Iterable[Any]) -> list[Key]:
    """The keys of the records of one response; equal ones without an id are distinguished by their number.

    An overlap or a repeated page has them again, with the same keys.
    """
    numbers: Counter[bytes] = Counter()
    keys: list[Key] = []
    for key in map(record_key, items):
        if isinstance(key, bytes) and len(key) == DIGEST_SIZE:
            numbers[key] += 1
            key += bytes(numbers[key] - 1)
        keys.append(key)
    return keys


class SeenIds(Generic[T]):
    """The keys of the records that were yielded."""

    def __init__(self) -> None:
        self._keys: set[Key] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def unseen(self, items: list[T], keys: list[Key]) -> list[T]:
        """Those of `items` that are not among them, each once: of a record that a page repeats, the first copy."""
        found: dict[Key, T] = {}
        for key, item in zip(keys, items, strict=True):
            if key not in self._keys:
                found.setdefault(key, item)
        return list(found.values())

    def add(self, items: list[T], keys: list[Key] | None = None) -> list[T]:
        """Adds records; returns those of them that were not seen before. `keys` are theirs, where these are known."""
        keys = record_keys(items) if keys is None else keys
        new = self.unseen(items, keys)
        self._keys.update(keys)
        return new


class PassedPages:
    """The rows of pages that were read one after the other, and what the server counted meanwhile."""

    def __init__(self) -> None:
        self.rows: dict[int, list[Key]] = {}
        self.keys: set[Key] = set()
        self.counts: list[int] = []
        self.error: APIStatusError | None = None  # of the first page

    def add(self, index: int, row: list[Key], count: int | None) -> bool:
        """Adds a page; returns whether any of its records is new."""
        before = len(self.keys)
        self.keys.update(row)
        if row:
            self.rows[index] = row
        if count is not None:
            self.counts.append(count)
        return len(self.keys) > before

    @property
    def total(self) -> int:
        return sum(map(len, self.rows.values()))

    @property
    def repeats(self) -> int:
        """How many rows repeat a record of their page: a join may list a record twice, and count it twice."""
        return sum(len(row) - len(set(row)) for row in self.rows.values())

    @property
    def held(self) -> int:
        """How many of the rows that are counted are in hand."""
        return len(self.keys) + self.repeats

    @property
    def steady(self) -> bool:
        """Whether every response counted the same."""
        return len(set(self.counts)) == 1

    def hides(self, count: int, page_size: int) -> bool:
        """Whether rows are missing within the pages, not behind the last one, as where the server caps their number."""
        last = max(self.rows, default=0)
        short = any(len(row) < page_size for index, row in self.rows.items() if index < last)
        return self.total < count and (short or count <= page_size)
