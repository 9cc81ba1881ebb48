"""From an answer's bytes to its records: strict about the envelope, tolerant about what is in it."""

import json
import typing
import warnings
from collections.abc import Callable
from typing import Any, Literal, NoReturn

import httpx
import msgspec

from . import models
from ._decode import arms, decoder
from ._settings import InvalidSettingError
from ._walk import Answer
from .errors import ContractDriftWarning, ResponseValidationError
from .models import UNSET

OnDrift = Literal["warn", "ignore", "raise"] | Callable[[ContractDriftWarning], object]

MOST_FINDINGS = 1000


class Drift:
    """Tells each departure from the document once for each place and kind."""

    def __init__(self, on_drift: OnDrift) -> None:
        if not callable(on_drift) and on_drift not in ("warn", "ignore", "raise"):
            raise InvalidSettingError('on_drift must be "warn", "ignore", "raise" or a callable')
        self._on_drift = on_drift
        self._told: set[tuple[str, str, str]] = set()

    def tell(self, data: dict[str, Any], owner: str, name: str, kind: str) -> None:
        finding = (owner, name, kind)
        if self._on_drift == "raise":
            raise Departure(data, name, kind)
        if self._on_drift == "ignore" or finding in self._told or len(self._told) >= MOST_FINDINGS:
            return
        self._told.add(finding)
        warning = ContractDriftWarning(f"{owner}.{name}", kind)
        if callable(self._on_drift):
            self._on_drift(warning)
        else:
            warnings.warn(warning, stacklevel=2)


class Departure(Exception):
    """Where `on_drift="raise"` stops: the JSON object, its property and the kind."""

    def __init__(self, data: dict[str, Any], name: str, kind: str) -> None:
        super().__init__(kind)
        self.data, self.name, self.kind = data, name, kind


def read_answer(response: httpx.Response, envelope: type, drift: Drift) -> Answer[Any]:
    """The records and the total of a 200; raises `ResponseValidationError` where it is no such envelope.

    Args:
        envelope: The generated class of the answer, with `count` and the list `result`.
    """

    def refuse(reason: str, place: str | None = None) -> NoReturn:
        raise ResponseValidationError(reason, response=response, place=place)

    body = parse(response.content, refuse)
    if not isinstance(body, dict):
        refuse("the answer is not a JSON object")
    if not isinstance(body.get("result"), list):
        refuse("there is no list of records", "result")
    try:
        items = read_items(body["result"], item_class(envelope), drift, refuse)
        tell_envelope(body, envelope, drift)
    except Departure as found:
        refuse(f"{found.kind}, and on_drift is 'raise'", f"{place_of(body, found.data)}.{found.name}".lstrip("."))
    count = body.get("count")
    return Answer(items, count if type(count) is int and count >= 0 else None)


def parse(content: bytes, refuse: Callable[[str], NoReturn]) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    try:  # the slower parser takes what is JSON all the same: a cut emoji, a byte order mark
        return json.loads(content, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        refuse("the answer is not JSON")


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def item_class(envelope: type) -> type:
    (items,) = arms(typing.get_type_hints(envelope, localns=vars(models))["result"])
    (item,) = typing.get_args(items)
    return typing.cast(type, item)


def read_items(raw: list[Any], cls: type, drift: Drift, refuse: Callable[[str, str], NoReturn]) -> list[Any]:
    decode, tell = decoder(cls), drift.tell
    items = [decode(record, {}, tell) for record in raw]
    for place, item in enumerate(items):
        if item is UNSET:
            refuse(f"the record is no {cls.__name__}", f"result[{place}]")
    return items


def tell_envelope(body: dict[str, Any], envelope: type, drift: Drift) -> None:
    """Holds the rest of the envelope to the document, its records left out."""
    decoder(envelope)({**body, "result": []}, {}, drift.tell)


def place_of(tree: Any, target: Any) -> str:
    """The path of an object within parsed JSON, as in `result[3].status`."""
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
