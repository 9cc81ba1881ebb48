from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ai_session_state_trail_item import AISessionStateTrailItem


T = TypeVar("T", bound="AISessionState")


@_attrs_define
class AISessionState:
    """
    Attributes:
        session_id (str | Unset):  Example: 2eac78c7-ef64-49cb-82f0-7280b555f015.
        type_ (str | Unset): The AI skill type handling the session Example: CONCIERGE.
        sub_intent_type (str | Unset): Sub-intent classification Example: CONCIERGE.
        trail (list[AISessionStateTrailItem] | Unset): History of skill transitions during the session
    """

    session_id: str | Unset = UNSET
    type_: str | Unset = UNSET
    sub_intent_type: str | Unset = UNSET
    trail: list[AISessionStateTrailItem] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        session_id = self.session_id

        type_ = self.type_

        sub_intent_type = self.sub_intent_type

        trail: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.trail, Unset):
            trail = []
            for trail_item_data in self.trail:
                trail_item = trail_item_data.to_dict()
                trail.append(trail_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if type_ is not UNSET:
            field_dict["type"] = type_
        if sub_intent_type is not UNSET:
            field_dict["sub_intent_type"] = sub_intent_type
        if trail is not UNSET:
            field_dict["trail"] = trail

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.ai_session_state_trail_item import AISessionStateTrailItem

        d = dict(src_dict)
        session_id = d.pop("session_id", UNSET)

        type_ = d.pop("type", UNSET)

        sub_intent_type = d.pop("sub_intent_type", UNSET)

        _trail = d.pop("trail", UNSET)
        trail: list[AISessionStateTrailItem] | Unset = UNSET
        if _trail is not UNSET:
            trail = []
            for trail_item_data in _trail:
                trail_item = AISessionStateTrailItem.from_dict(trail_item_data)

                trail.append(trail_item)

        ai_session_state = cls(
            session_id=session_id,
            type_=type_,
            sub_intent_type=sub_intent_type,
            trail=trail,
        )

        ai_session_state.additional_properties = d
        return ai_session_state

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
