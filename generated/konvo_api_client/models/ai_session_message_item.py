from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ai_session_message_item_initiator_origin import (
    AISessionMessageItemInitiatorOrigin,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="AISessionMessageItem")


@_attrs_define
class AISessionMessageItem:
    """
    Attributes:
        message_id (str | Unset): Unique message identifier Example: a1b2c3d4-e5f6-7890-abcd-ef1234567890.
        session_id (str | Unset): Session this message belongs to Example: 2eac78c7-ef64-49cb-82f0-7280b555f015.
        initiator_origin (AISessionMessageItemInitiatorOrigin | Unset): Who sent the message Example: RECIPIENT.
        message (str | Unset): The message text content Example: Hi, I need help with my order.
        created_at (datetime.datetime | Unset): When the message was sent Example: 2026-02-25T16:46:40.000Z.
    """

    message_id: str | Unset = UNSET
    session_id: str | Unset = UNSET
    initiator_origin: AISessionMessageItemInitiatorOrigin | Unset = UNSET
    message: str | Unset = UNSET
    created_at: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        message_id = self.message_id

        session_id = self.session_id

        initiator_origin: str | Unset = UNSET
        if not isinstance(self.initiator_origin, Unset):
            initiator_origin = self.initiator_origin.value

        message = self.message

        created_at: str | Unset = UNSET
        if not isinstance(self.created_at, Unset):
            created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if message_id is not UNSET:
            field_dict["message_id"] = message_id
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if initiator_origin is not UNSET:
            field_dict["initiator_origin"] = initiator_origin
        if message is not UNSET:
            field_dict["message"] = message
        if created_at is not UNSET:
            field_dict["created_at"] = created_at

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        message_id = d.pop("message_id", UNSET)

        session_id = d.pop("session_id", UNSET)

        _initiator_origin = d.pop("initiator_origin", UNSET)
        initiator_origin: AISessionMessageItemInitiatorOrigin | Unset
        if isinstance(_initiator_origin, Unset):
            initiator_origin = UNSET
        else:
            initiator_origin = AISessionMessageItemInitiatorOrigin(_initiator_origin)

        message = d.pop("message", UNSET)

        _created_at = d.pop("created_at", UNSET)
        created_at: datetime.datetime | Unset
        if isinstance(_created_at, Unset):
            created_at = UNSET
        else:
            created_at = datetime.datetime.fromisoformat(_created_at)

        ai_session_message_item = cls(
            message_id=message_id,
            session_id=session_id,
            initiator_origin=initiator_origin,
            message=message,
            created_at=created_at,
        )

        ai_session_message_item.additional_properties = d
        return ai_session_message_item

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
