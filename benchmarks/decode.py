"""Decoding pages of 200 sessions with 10 messages each, compared with `json.loads`."""

import gc
import json
import statistics
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

ROUNDS = 30
DEPARTURE_ROUNDS = 9
PAGES = 25


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


def conforming(record: dict[str, Any]) -> None:
    del record["sentiment"]


def new_field_in_messages(record: dict[str, Any]) -> None:
    for message in record["messages"]:
        message["tokens"] = 3


def unknown_channel(record: dict[str, Any]) -> None:
    conforming(record)
    record["channel"] = "telegram"


def null_text(record: dict[str, Any]) -> None:
    conforming(record)
    record["external_user_id"] = None


def null_object(record: dict[str, Any]) -> None:
    conforming(record)
    record["status"] = None


DEPARTURES: dict[str, tuple[Callable[[dict[str, Any]], None], dict[str, Any]]] = {
    "conforming pages": (conforming, {}),
    "a new field in every session": (lambda record: None, {}),
    "a new field in every session and message": (new_field_in_messages, {}),
    "an unknown enum value in every session": (unknown_channel, {}),
    "null instead of text in every session": (null_text, {}),
    "null instead of an object in every session": (null_object, {}),
    "a new field of the envelope": (conforming, {"next": "2"}),
}


def changed_page(change: Callable[[dict[str, Any]], None], envelope: dict[str, Any]) -> bytes:
    body = json.loads(page())
    for record in body["result"]:
        change(record)
    return json.dumps(body | envelope).encode()


def konvoai(content: bytes) -> object:
    return decode_page(AISessionResponse, content, Drift("ignore"))


def cpu_time(decode: Callable[[bytes], object], pages: list[bytes]) -> float:
    """Returns the CPU seconds of decoding; each page is held while the next one is decoded, as a user does."""
    gc.collect()
    start, held = time.process_time(), None
    for content in pages:
        held = decode(content)
    elapsed = time.process_time() - start
    del held
    return elapsed


def measure_departures() -> None:
    print(f"\nCPU of {PAGES} different pages, {DEPARTURE_ROUNDS} rounds in turn, medians of ratios to `json.loads`:\n")
    print("| | ratio |\n|---|---:|")
    for name, (change, envelope) in DEPARTURES.items():
        pages = [changed_page(change, envelope) for _ in range(PAGES)]
        ratios = [cpu_time(konvoai, pages) / cpu_time(json.loads, pages) for _ in range(DEPARTURE_ROUNDS)]
        print(f"| {name} | {statistics.median(ratios):.2f} |")


def methods() -> dict[str, Callable[[bytes], object]]:
    return {
        "`json.loads` to dicts": json.loads,
        "msgspec to dicts": msgspec.json.decode,
        "konvoai": konvoai,
        "pydantic v2": Response.model_validate_json,
        "the generated `from_dict`": lambda content: AISessionResponse.from_dict(json.loads(content)),
    }


def measure() -> None:
    pages = [page() for _ in range(3)]
    times: dict[str, list[float]] = {name: [] for name in methods()}
    for _ in range(ROUNDS):
        for name, decode in methods().items():
            times[name].append(1000 * cpu_time(decode, pages) / len(pages))
    print(f"CPU of a page of {len(pages[0]) // 1000} KB, {ROUNDS} rounds in turn, medians:\n")
    show(times, digits=1)


if __name__ == "__main__":
    measure()
    measure_departures()
