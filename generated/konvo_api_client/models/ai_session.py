from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ai_session_channel import AISessionChannel
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ai_session_message_item import AISessionMessageItem
    from ..models.ai_session_state import AISessionState
    from ..models.ai_session_status import AISessionStatus


T = TypeVar("T", bound="AISession")


@_attrs_define
class AISession:
    """
    Attributes:
        id (str | Unset): Unique session identifier Example: 2eac78c7-ef64-49cb-82f0-7280b555f015.
        workspace_id (str | Unset): Workspace the session belongs to Example: 465d610c-43df-4c87-8396-8eb9742122c4.
        feed_id (str | Unset): Conversation feed ID Example: 6bdda998-40a0-4f61-9e7d-ca7f4879b13d.
        contact_id (str | Unset): Contact ID associated with the session Example: f1349acb-b4d4-4220-b90a-36ef170ddd4a.
        external_user_id (str | Unset): External user identifier (e.g. phone number) Example: 4915142424351.
        channel (AISessionChannel | Unset): Communication channel Example: whatsapp.
        created_at (datetime.datetime | Unset): When the session was created Example: 2026-02-25T16:46:34.206Z.
        status (AISessionStatus | Unset):
        state (AISessionState | Unset):
        messages (list[AISessionMessageItem] | Unset): Text messages in the session. Only included when messages=true.
            Tool calls are excluded.
    """

    id: str | Unset = UNSET
    workspace_id: str | Unset = UNSET
    feed_id: str | Unset = UNSET
    contact_id: str | Unset = UNSET
    external_user_id: str | Unset = UNSET
    channel: AISessionChannel | Unset = UNSET
    created_at: datetime.datetime | Unset = UNSET
    status: AISessionStatus | Unset = UNSET
    state: AISessionState | Unset = UNSET
    messages: list[AISessionMessageItem] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        workspace_id = self.workspace_id

        feed_id = self.feed_id

        contact_id = self.contact_id

        external_user_id = self.external_user_id

        channel: str | Unset = UNSET
        if not isinstance(self.channel, Unset):
            channel = self.channel.value

        created_at: str | Unset = UNSET
        if not isinstance(self.created_at, Unset):
            created_at = self.created_at.isoformat()

        status: dict[str, Any] | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.to_dict()

        state: dict[str, Any] | Unset = UNSET
        if not isinstance(self.state, Unset):
            state = self.state.to_dict()

        messages: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.messages, Unset):
            messages = []
            for messages_item_data in self.messages:
                messages_item = messages_item_data.to_dict()
                messages.append(messages_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if id is not UNSET:
            field_dict["id"] = id
        if workspace_id is not UNSET:
            field_dict["workspace_id"] = workspace_id
        if feed_id is not UNSET:
            field_dict["feed_id"] = feed_id
        if contact_id is not UNSET:
            field_dict["contact_id"] = contact_id
        if external_user_id is not UNSET:
            field_dict["external_user_id"] = external_user_id
        if channel is not UNSET:
            field_dict["channel"] = channel
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if status is not UNSET:
            field_dict["status"] = status
        if state is not UNSET:
            field_dict["state"] = state
        if messages is not UNSET:
            field_dict["messages"] = messages

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.ai_session_message_item import AISessionMessageItem
        from ..models.ai_session_state import AISessionState
        from ..models.ai_session_status import AISessionStatus

        d = dict(src_dict)
        id = d.pop("id", UNSET)

        workspace_id = d.pop("workspace_id", UNSET)

        feed_id = d.pop("feed_id", UNSET)

        contact_id = d.pop("contact_id", UNSET)

        external_user_id = d.pop("external_user_id", UNSET)

        _channel = d.pop("channel", UNSET)
        channel: AISessionChannel | Unset
        if isinstance(_channel, Unset):
            channel = UNSET
        else:
            channel = AISessionChannel(_channel)

        _created_at = d.pop("created_at", UNSET)
        created_at: datetime.datetime | Unset
        if isinstance(_created_at, Unset):
            created_at = UNSET
        else:
            created_at = datetime.datetime.fromisoformat(_created_at)

        _status = d.pop("status", UNSET)
        status: AISessionStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = AISessionStatus.from_dict(_status)

        _state = d.pop("state", UNSET)
        state: AISessionState | Unset
        if isinstance(_state, Unset):
            state = UNSET
        else:
            state = AISessionState.from_dict(_state)

        _messages = d.pop("messages", UNSET)
        messages: list[AISessionMessageItem] | Unset = UNSET
        if _messages is not UNSET:
            messages = []
            for messages_item_data in _messages:
                messages_item = AISessionMessageItem.from_dict(messages_item_data)

                messages.append(messages_item)

        ai_session = cls(
            id=id,
            workspace_id=workspace_id,
            feed_id=feed_id,
            contact_id=contact_id,
            external_user_id=external_user_id,
            channel=channel,
            created_at=created_at,
            status=status,
            state=state,
            messages=messages,
        )

        ai_session.additional_properties = d
        return ai_session

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
