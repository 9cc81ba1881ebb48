"""Decode a list page to models: strict about the envelope, tolerant about each record."""

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from ..models import UNSET
from .drift import Drift, DriftError
from .fields import envelope_of, fields_of
from .parse import DecodedPage, DecodeError, gc_paused, parse, valid_count, valid_records
from .strict import Findings, Learned, can_learn, strict
from .tolerant import decode_object

MAX_LEARNED = 64
"""The fields to learn; with more, everything is forgotten, so that rare names make room for frequent ones."""


def decode_page(envelope: type, content: bytes, drift: Drift) -> DecodedPage:
    """Returns the models and the total of a page.

    Args:
        envelope: The generated class of the response, with one list of objects.

    Raises:
        DecodeError: The body is not such an envelope, or a record is not a JSON object.
    """
    with gc_paused():
        return page_decoder(envelope).decode(content, drift)


def record_type(envelope: type) -> type:
    """Returns the generated class of the records in an envelope."""
    return envelope_of(envelope).record


class PageDecoder:
    """Decodes the pages of one envelope, strictly where that works, and learns what departs from the API document."""

    def __init__(self, envelope: type) -> None:
        self._envelope = envelope
        self._records, self._record, self._total, _ = envelope_of(envelope)
        self._total_attribute = fields_of(envelope)[self._total].attribute if self._total else ""
        self._learned: Learned = frozenset()

    def decode(self, content: bytes, drift: Drift) -> DecodedPage:
        page = self._decode_strictly(self._envelope, functools.partial(msgspec.json.decode, content), drift)
        if page is UNSET:
            return self._decode_tolerantly(parse(content), drift)
        extras = getattr(page, "additional_properties", {})
        total = extras[self._total] if self._total in extras else getattr(page, self._total_attribute, None)
        return DecodedPage(getattr(page, self._records.attribute), valid_count(total))

    def _decode_strictly(self, cls: type, parse_as: Callable[..., Any], drift: Drift) -> Any:
        """Returns the model, or UNSET where only the tolerant decoder can decode it."""
        decoder = strict(cls, self._learned)
        found: Findings = {}
        try:
            (model,) = decoder.fill([parse_as(type=decoder.type)], found)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return UNSET
        if found and drift.raises:
            return UNSET
        if cls is self._envelope and getattr(model, self._records.attribute).__class__ is not list:
            return UNSET
        for finding in found:
            drift.report({}, *finding)
        return model

    def _decode_tolerantly(self, body: Any, drift: Drift) -> DecodedPage:
        departures = set()

        def report(data: dict[str, Any], owner: str, name: str, kind: str) -> None:
            departures.add((owner, name))
            drift.report(data, owner, name, kind)

        records = valid_records(body, self._records.name)
        try:
            for index, record in enumerate(records):  # in place: the memory of each record's JSON serves the next one
                item = self._decode_strictly(self._record, functools.partial(msgspec.convert, record), drift)
                records[index] = decode_object(record, self._record, report) if item is UNSET else item
                if records[index] is UNSET:
                    path = f"{self._records.name}[{index}]"
                    raise DecodeError(f"the record is not a valid {self._record.__name__}", path)
            decode_object({**body, self._records.name: []}, self._envelope, report)
        except DriftError as found:
            path = f"{json_path(body, found.data)}.{found.name}".lstrip(".")
            raise DecodeError(f"{found.kind}, and on_drift is 'raise'", path) from None
        self._learn(departures)
        return DecodedPage(records, valid_count(body.get(self._total)))

    def _learn(self, departures: set[tuple[str, str]]) -> None:
        learned = self._learned.union(field for field in departures if can_learn(field[1]))
        self._learned = learned if len(learned) <= MAX_LEARNED else frozenset()


page_decoder = functools.cache(PageDecoder)


def json_path(tree: Any, target: Any) -> str:
    """Returns the JSON path of an object within parsed JSON, such as `result[3].status`."""
    stack = [("", tree)]
    while stack:
        path, node = stack.pop()
        if node is target:
            return path
        if isinstance(node, dict):
            stack += [(f"{path}.{name}".lstrip("."), child) for name, child in node.items()]
        elif isinstance(node, list):
            stack += [(f"{path}[{i}]", child) for i, child in enumerate(node)]
    return ""
