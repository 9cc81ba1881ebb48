"""Instances of the generated models with realistic values: a field that the API document gains is drawn by its type."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from ... import models
from ...models import UNSET, Unset
from .factories import wire_datetime
from .topics import TOPICS, Topic

WORKSPACE = "465d610c-43df-4c87-8396-8eb9742122c4"
MAX_DEPTH = 5
"""How deep objects nest, for an API document whose schemas refer to themselves."""


class ApiTime(datetime):
    """A time that the generated `to_dict` spells as the API does: milliseconds and `Z`."""

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return wire_datetime(self)


class Draft:
    """What the fields of one session have in common.

    Attributes:
        random: Draws the values.
        id: The id of the session.
        topic: What the conversation is about.
        order: The number of the shopper's order.
        created: When it was created.
        updated: When it was last updated; the messages lie between the two times.
        unresolved: Whether it ended without resolution.
        message: The index of the message that is being drawn.
        sizes: The lengths of lists, by their field's name.
    """

    def __init__(self, seed: object, created: datetime, updated: datetime | None, unresolved: bool | None) -> None:
        self.random = Random(str(seed))
        self.id = draw_uuid(self.random)
        self.topic: Topic = self.random.choice(TOPICS)
        self.order = self.random.randint(10_000, 99_999)
        self.created = created
        self.updated = updated or created + timedelta(seconds=self.random.randint(60, 900))
        self.unresolved = self.random.random() < 0.25 if unresolved is None else unresolved
        self.message = 0
        self.sizes = {"messages": len(self.topic.texts), "trail": 1}

    def time(self, message: int) -> datetime:
        return self.created + (self.updated - self.created) * message / max(self.sizes["messages"], 1)

    def text(self) -> str:
        return self.topic.texts[self.message % len(self.topic.texts)].format(order=self.order)


def draw_uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


FIELDS: dict[str, Callable[[Draft], Any]] = {
    "id": lambda draft: draft.id,
    "session_id": lambda draft: draft.id,
    "workspace_id": lambda draft: WORKSPACE,
    "external_user_id": lambda draft: f"49151{draft.random.randrange(10**8):08}",
    "created_at": lambda draft: draft.time(draft.message),
    "completed": lambda draft: True,
    "unresolved": lambda draft: draft.unresolved,
    "completed_at": lambda draft: draft.updated,
    "last_message_date": lambda draft: draft.time(max(draft.sizes["messages"] - 1, 0)),
    "last_updated": lambda draft: draft.updated,
    "type_": lambda draft: draft.topic.skill,
    "sub_intent_type": lambda draft: draft.topic.intent,
    "initiator_origin": lambda draft: ("RECIPIENT", "AI")[draft.message % 2],
    "message": Draft.text,
}
"""Realistic values by the name of their attribute; another field, or one of another type, is drawn by its type."""

SCALARS: dict[Any, Callable[[Draft, str], Any]] = {
    str: lambda draft, name: (
        draw_uuid(draft.random) if name.endswith("id") else f"{name.strip('_')} {draft.random.randint(1, 99)}"
    ),
    bool: lambda draft, name: draft.random.random() < 0.5,
    int: lambda draft, name: draft.random.randint(1, 99),
    float: lambda draft, name: draft.random.randint(1, 99) / 10,
    datetime: lambda draft, name: draft.time(draft.message),
    date: lambda draft, name: draft.created.date(),
    UUID: lambda draft, name: UUID(draw_uuid(draft.random)),
}


class Field(NamedTuple):
    """An attribute of a generated class; a list has the kind of its items."""

    name: str
    kind: Any
    is_list: bool


@cache
def fields_of(cls: type) -> list[Field]:
    hints = typing.get_type_hints(cls, localns=vars(models))
    return [field_of(name, hint) for name, hint in hints.items() if name != "additional_properties"]


def field_of(name: str, hint: Any) -> Field:
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    kinds = [kind for kind in typing.get_args(hint) if kind not in (Unset, type(None))] if union else [hint]
    kind = kinds[0] if kinds else type(None)
    is_list = typing.get_origin(kind) is list
    return Field(name, typing.get_args(kind)[0] if is_list else kind, is_list)


def draw(cls: Any, draft: Draft, depth: int = 0) -> Any:
    """Returns an instance of a generated class with a value for every field."""
    drawn = cls(**{field.name: draw_field(field, draft, depth) for field in fields_of(cls)})
    if not fields_of(cls):
        drawn.additional_properties = {"skill": draft.topic.skill}
    return drawn


def draw_field(field: Field, draft: Draft, depth: int) -> Any:
    if not field.is_list:
        return draw_value(field, draft, depth)
    items = []
    for index in range(draft.sizes.get(field.name, 2) if depth < MAX_DEPTH else 0):
        draft.message = index
        items.append(draw_value(field, draft, depth))
    draft.message = 0
    return items


def draw_value(field: Field, draft: Draft, depth: int) -> Any:
    value = FIELDS[field.name](draft) if field.name in FIELDS else None
    kind = field.kind
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next((member for member in kind if member.value == value), None) or draft.random.choice(list(kind))
    if hasattr(kind, "from_dict"):
        return draw(kind, draft, depth + 1) if depth < MAX_DEPTH else UNSET
    if type(value) is not kind:
        value = SCALARS[kind](draft, field.name) if kind in SCALARS else UNSET
    return ApiTime.combine(value, value.timetz()) if isinstance(value, datetime) else value
