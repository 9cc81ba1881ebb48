from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="AISessionStatus")


@_attrs_define
class AISessionStatus:
    """
    Attributes:
        session_id (str | Unset):  Example: 2eac78c7-ef64-49cb-82f0-7280b555f015.
        completed (bool | Unset): Whether the session has completed Example: True.
        unresolved (bool | Unset): Whether the session ended without resolution Example: False.
        completed_at (datetime.datetime | Unset): When the session was completed Example: 2026-02-25T16:50:00.000Z.
        last_message_date (datetime.datetime | Unset): Timestamp of the last message in the session Example:
            2026-02-25T16:49:30.000Z.
        last_updated (datetime.datetime | Unset): When the status was last updated Example: 2026-02-25T16:50:00.000Z.
    """

    session_id: str | Unset = UNSET
    completed: bool | Unset = UNSET
    unresolved: bool | Unset = UNSET
    completed_at: datetime.datetime | Unset = UNSET
    last_message_date: datetime.datetime | Unset = UNSET
    last_updated: datetime.datetime | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        session_id = self.session_id

        completed = self.completed

        unresolved = self.unresolved

        completed_at: str | Unset = UNSET
        if not isinstance(self.completed_at, Unset):
            completed_at = self.completed_at.isoformat()

        last_message_date: str | Unset = UNSET
        if not isinstance(self.last_message_date, Unset):
            last_message_date = self.last_message_date.isoformat()

        last_updated: str | Unset = UNSET
        if not isinstance(self.last_updated, Unset):
            last_updated = self.last_updated.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if completed is not UNSET:
            field_dict["completed"] = completed
        if unresolved is not UNSET:
            field_dict["unresolved"] = unresolved
        if completed_at is not UNSET:
            field_dict["completed_at"] = completed_at
        if last_message_date is not UNSET:
            field_dict["last_message_date"] = last_message_date
        if last_updated is not UNSET:
            field_dict["last_updated"] = last_updated

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        session_id = d.pop("session_id", UNSET)

        completed = d.pop("completed", UNSET)

        unresolved = d.pop("unresolved", UNSET)

        _completed_at = d.pop("completed_at", UNSET)
        completed_at: datetime.datetime | Unset
        if isinstance(_completed_at, Unset):
            completed_at = UNSET
        else:
            completed_at = datetime.datetime.fromisoformat(_completed_at)

        _last_message_date = d.pop("last_message_date", UNSET)
        last_message_date: datetime.datetime | Unset
        if isinstance(_last_message_date, Unset):
            last_message_date = UNSET
        else:
            last_message_date = datetime.datetime.fromisoformat(_last_message_date)

        _last_updated = d.pop("last_updated", UNSET)
        last_updated: datetime.datetime | Unset
        if isinstance(_last_updated, Unset):
            last_updated = UNSET
        else:
            last_updated = datetime.datetime.fromisoformat(_last_updated)

        ai_session_status = cls(
            session_id=session_id,
            completed=completed,
            unresolved=unresolved,
            completed_at=completed_at,
            last_message_date=last_message_date,
            last_updated=last_updated,
        )

        ai_session_status.additional_properties = d
        return ai_session_status

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
