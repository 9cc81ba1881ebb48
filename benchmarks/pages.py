"""A page of realistic sessions, the same in every run."""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

DRAW = random.Random(7)  # noqa: S311 - no secret
WORDS = ["order", "not", "come", "yet", "ship", "where", "thanks", "regards", "size", "fits", "return", "label"]


def page(sessions: int = 200, messages: int = 10) -> bytes:
    """Return the body of one response: every field, and one field that the API document does not have."""
    return json.dumps({"count": sessions, "result": [session(messages) for _ in range(sessions)]}).encode()


def session(messages: int) -> dict[str, Any]:
    name = random_id()
    return {
        "id": name,
        "workspace_id": random_id(),
        "feed_id": random_id(),
        "contact_id": random_id(),
        "external_user_id": f"49151{DRAW.randrange(10**8):08}",
        "channel": DRAW.choice(["whatsapp", "live_chat", "email", "instagram"]),
        "created_at": random_time(),
        "status": {
            "session_id": name,
            "completed": True,
            "unresolved": DRAW.random() < 0.2,
            "completed_at": random_time(),
            "last_message_date": random_time(),
            "last_updated": random_time(),
        },
        "state": {"session_id": name, "type": "CONCIERGE", "sub_intent_type": "ORDER", "trail": [{"skill": "FAQ"}]},
        "messages": [message(name) for _ in range(messages)],
        "sentiment": DRAW.random(),
    }


def message(session_id: str) -> dict[str, Any]:
    return {
        "message_id": random_id(),
        "session_id": session_id,
        "initiator_origin": DRAW.choice(["RECIPIENT", "AI"]),
        "message": " ".join(DRAW.choices(WORDS, k=20)),
        "created_at": random_time(),
    }


def random_id() -> str:
    return str(uuid.UUID(int=DRAW.getrandbits(128), version=4))


def random_time() -> str:
    drawn = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(milliseconds=DRAW.randrange(10**9))
    return drawn.isoformat(timespec="milliseconds").replace("+00:00", "Z")
