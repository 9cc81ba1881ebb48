"""Decoding a page of 200 sessions with 10 messages each, compared with `json.loads`."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec
import pydantic

from benchmarks.pages import page
from benchmarks.ratios import show
from konvoai import AISessionResponse
from konvoai._decoding.drift import Drift
from konvoai._decoding.page import decode_page

ROUNDS = 100


class Model(pydantic.BaseModel, extra="allow"):
    pass


class Message(Model):
    message_id: str | None = None
    session_id: str | None = None
    initiator_origin: Literal["RECIPIENT", "AI"] | None = None
    message: str | None = None
    created_at: datetime | None = None


class Status(Model):
    session_id: str | None = None
    completed: bool | None = None
    unresolved: bool | None = None
    completed_at: datetime | None = None
    last_message_date: datetime | None = None
    last_updated: datetime | None = None


class State(Model):
    session_id: str | None = None
    type: str | None = None
    sub_intent_type: str | None = None
    trail: list[dict[str, Any]] | None = None


class Session(Model):
    id: str | None = None
    workspace_id: str | None = None
    feed_id: str | None = None
    contact_id: str | None = None
    external_user_id: str | None = None
    channel: Literal["whatsapp", "live_chat", "email", "instagram"] | None = None
    created_at: datetime | None = None
    status: Status | None = None
    state: State | None = None
    messages: list[Message] | None = None


class Response(Model):
    count: int | None = None
    result: list[Session] | None = None


def methods() -> dict[str, Callable[[bytes], object]]:
    drift = Drift("ignore")

    def konvoai(content: bytes) -> object:
        return decode_page(AISessionResponse, content, drift)

    return {
        "`json.loads` to dicts": json.loads,
        "msgspec to dicts": msgspec.json.decode,
        "konvoai": konvoai,
        "pydantic v2": Response.model_validate_json,
        "the generated `from_dict`": lambda content: AISessionResponse.from_dict(json.loads(content)),
    }


def measure() -> None:
    content = page()
    times: dict[str, list[float]] = {name: [] for name in methods()}
    for _ in range(ROUNDS):
        for name, decode in methods().items():
            start = time.perf_counter()
            decode(content)
            times[name].append((time.perf_counter() - start) * 1000)
    print(f"A page of {len(content) // 1000} KB, {ROUNDS} rounds in turn, medians:\n")
    show(times, digits=1)


if __name__ == "__main__":
    measure()
