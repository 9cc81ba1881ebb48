from enum import StrEnum


class AISessionMessageItemInitiatorOrigin(StrEnum):
    AI = "AI"
    RECIPIENT = "RECIPIENT"

    def __str__(self) -> str:
        return str(self.value)
