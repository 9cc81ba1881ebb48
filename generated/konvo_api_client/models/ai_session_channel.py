from enum import StrEnum


class AISessionChannel(StrEnum):
    EMAIL = "email"
    INSTAGRAM = "instagram"
    LIVE_CHAT = "live_chat"
    WHATSAPP = "whatsapp"

    def __str__(self) -> str:
        return str(self.value)
