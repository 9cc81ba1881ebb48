"""Contains all the data models used in inputs/outputs"""

from .ai_session import AISession
from .ai_session_channel import AISessionChannel
from .ai_session_message_item import AISessionMessageItem
from .ai_session_message_item_initiator_origin import (
    AISessionMessageItemInitiatorOrigin,
)
from .ai_session_response import AISessionResponse
from .ai_session_state import AISessionState
from .ai_session_state_trail_item import AISessionStateTrailItem
from .ai_session_status import AISessionStatus
from .error import Error

__all__ = (
    "AISession",
    "AISessionChannel",
    "AISessionMessageItem",
    "AISessionMessageItemInitiatorOrigin",
    "AISessionResponse",
    "AISessionState",
    "AISessionStateTrailItem",
    "AISessionStatus",
    "Error",
)
