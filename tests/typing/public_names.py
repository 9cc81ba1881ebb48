"""Intended uses of the public names: type-checked, never run."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from datetime import UTC, datetime
from typing import Any, assert_type

import httpx

from konvo_api_client import AuthenticatedClient
from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvo_api_client.types import Response
from konvoai import (
    UNSET,
    AISession,
    AISessionChannel,
    AISessionMessageItem,
    AISessionMessageItemInitiatorOrigin,
    AISessionResponse,
    AISessionState,
    AISessionStatus,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncKonvo,
    AsyncPaginator,
    AsyncScan,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ContractDriftWarning,
    Error,
    InternalServerError,
    Konvo,
    KonvoError,
    NotFoundError,
    Page,
    PaginationError,
    Paginator,
    PermissionDeniedError,
    RateLimitError,
    ResponseValidationError,
    Scan,
    Span,
    Unset,
    Window,
    plan_spans,
)
from konvoai.testing import MockKonvo, make_session, make_sessions


def clients() -> None:
    Konvo()
    Konvo("key", base_url="https://api.konvoai.com", timeout=30, max_retries=0)
    Konvo(api_key="key", timeout=httpx.Timeout(10.0), http_client=httpx.Client(), on_drift="ignore", allow_http=True)
    AsyncKonvo(api_key="key", timeout=1.5, http_client=httpx.AsyncClient(), on_drift="raise")
    konvo = Konvo(on_drift="warn")
    assert_type(konvo.close(), None)


def lists() -> None:
    with Konvo() as konvo:
        assert_type(konvo, Konvo)
        sessions = konvo.ai_sessions.list(
            page=1,
            limit=50,
            updated_at_min=datetime(2026, 1, 1, tzinfo=UTC),
            updated_at_max=datetime.now(UTC),
            messages=True,
            state=True,
            concurrency=1,
        )
        assert_type(sessions, Paginator[AISession])
        for session in sessions:
            assert_type(session, AISession)
        assert_type(sessions.pages(), Generator[Page[AISession], None, None])
        for page in sessions.pages():
            assert_type(page.number, int)
            assert_type(page.items, list[AISession])
            assert_type(page.count, int | None)
        assert_type(sessions.count(), int | None)


def scans(konvo: Konvo) -> None:
    scan = konvo.ai_sessions.scan(updated_at_min=datetime(2026, 1, 1, tzinfo=UTC), messages=True, concurrency=8)
    assert_type(scan, Scan[AISession])
    for session in scan:
        assert_type(session, AISession)
    with closing(scan.windows()) as windows:
        for window in windows:
            assert_type(window.start, datetime)
            assert_type(window.end, datetime)
            assert_type(window.items, list[AISession])


def tables(konvo: Konvo) -> None:
    sessions = konvo.ai_sessions.scan()
    sessions.to_arrow()  # pyright: ignore[reportUnknownMemberType] # pyarrow has no types
    konvo.ai_sessions.list().to_arrow(columns=["id", "messages"], raw=True)  # pyright: ignore[reportUnknownMemberType] # pyarrow has no types
    sessions.to_arrow_batches(["id"])  # pyright: ignore[reportUnknownMemberType] # pyarrow has no types
    konvo.ai_sessions.arrow_schema(columns=["id"])  # pyright: ignore[reportUnknownMemberType] # pyarrow has no types
    assert_type(sessions.error, KonvoError | None)
    assert_type(sessions.__arrow_c_stream__(), object)
    spans = plan_spans(konvo, since=datetime(2026, 1, 1, tzinfo=UTC), until=None, spans=4)
    assert_type(spans, list[Span])
    assert_type((spans[0].start, spans[0].end, spans[0].count), tuple[datetime | None, datetime, int | None])


async def async_lists() -> None:
    async with AsyncKonvo() as konvo:
        assert_type(konvo, AsyncKonvo)
        sessions = konvo.ai_sessions.list(limit=50, messages=True)
        assert_type(sessions, AsyncPaginator[AISession])
        async for session in sessions:
            assert_type(session, AISession)
        assert_type(sessions.pages(), AsyncGenerator[Page[AISession], None])
        async for page in sessions.pages():
            assert_type(page.items, list[AISession])
            assert_type(page.count, int | None)
        assert_type(await sessions.count(), int | None)
        scan = konvo.ai_sessions.scan(state=True)
        assert_type(scan, AsyncScan[AISession])
        async for session in scan:
            assert_type(session, AISession)
        async with aclosing(scan.windows()) as windows:
            async for window in windows:
                assert_type(window, Window[AISession])
        assert_type(await konvo.aclose(), None)


def models(session: AISession) -> None:
    assert_type(session.id, str | Unset)
    assert_type(session.channel, AISessionChannel | Unset)
    assert_type(session.created_at, datetime | Unset)
    assert_type(session.status, AISessionStatus | Unset)
    assert_type(session.state, AISessionState | Unset)
    assert_type(session.messages, list[AISessionMessageItem] | Unset)
    if session.created_at:
        assert_type(session.created_at, datetime)
    if session.status and session.status.completed_at is not UNSET:
        assert_type(session.status.unresolved, bool | Unset)
    for message in session.messages or []:
        assert_type(message.initiator_origin, AISessionMessageItemInitiatorOrigin | Unset)
        assert_type(message.message, str | Unset)
    assert_type(session.to_dict(), dict[str, Any])
    assert_type(session.additional_properties, dict[str, Any])
    if "sentiment" in session:
        print(session["sentiment"])


def errors(konvo: Konvo) -> str:
    try:
        konvo.ai_sessions.list().count()
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except (BadRequestError, AuthenticationError, PermissionDeniedError, NotFoundError, InternalServerError) as error:
        assert_type(error.response, httpx.Response)
    except APIStatusError as error:
        assert_type(error.status_code, int)
        assert_type(error.body, Error | None)
        return error.body.message if error.body else ""
    except APITimeoutError:
        return "late"
    except ResponseValidationError as error:
        assert_type(error.json_path, str | None)
    except (APIConnectionError, PaginationError) as error:
        other: KonvoError = error
        assert_type(other.page, int | None)
        assert_type(other.window, tuple[datetime | None, datetime | None])
        assert_type(other.records_yielded, int | None)
        return str(other)
    return ""


def settings() -> None:
    try:
        Konvo(base_url="api.example.com", on_drift=report)
    except ConfigurationError as error:
        invalid: ValueError = error
        print(invalid)


def report(drift: ContractDriftWarning) -> None:
    assert_type(drift.field, str)
    assert_type(drift.kind, str)


def generated_functions(konvo: Konvo) -> None:
    assert_type(konvo.api, AuthenticatedClient)
    response = list_ai_sessions.sync_detailed(client=konvo.api, limit=1)
    assert_type(response, Response[AISessionResponse | Error])
    assert_type(list_ai_sessions.sync(client=konvo.api), AISessionResponse | Error | None)


async def generated_async_functions(konvo: AsyncKonvo) -> None:
    assert_type(konvo.api, AuthenticatedClient)
    response = await list_ai_sessions.asyncio_detailed(client=konvo.api, messages=True)
    assert_type(response.parsed, AISessionResponse | Error | None)


def mocks() -> None:
    mock = MockKonvo(3, key="key", page_base=1, order="-created", filters=None, cap=50, count="missing", seed=1)
    MockKonvo(now=datetime.now(UTC), count=lambda total: total - 1, filters="created")
    with mock as running:
        assert_type(running, MockKonvo)
        assert_type(running.url, str)
        assert_type(running.key, str)
        assert_type(running.client(max_retries=0), Konvo)
        assert_type(running.async_client(), AsyncKonvo)
        assert_type(running.add(), str)
        assert_type(running.add(make_session(), updated_at=datetime.now(UTC)), str)
        assert_type(running.add(id="a", unresolved=True), str)
        running.update("a", channel="email")
        running.remove("a")
        running.fail(503)
        running.fail("drop", times=2)
        running.fail(429, retry_after=1.5)
        running.limit(10, seconds=0.5)
        running.latency = 0.1
        running.now = datetime.now(UTC)
        for request in running.requests:
            assert_type((request.method, request.path), tuple[str, str])
            assert_type((request.query, request.headers), tuple[dict[str, str], dict[str, str]])
    assert_type(make_session(id="a"), dict[str, Any])
    assert_type(make_sessions(3, seed=1), list[dict[str, Any]])


async def async_mocks() -> None:
    async with MockKonvo() as mock:
        assert_type(mock, MockKonvo)


def fixture(mock_konvo: MockKonvo) -> None:
    mock_konvo.add(channel=AISessionChannel.EMAIL, completed_at=UNSET)
