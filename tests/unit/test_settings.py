import httpx
import pytest

from konvoai import AsyncKonvo, Konvo, KonvoError
from konvoai._settings import Secret, is_loopback, load_settings, validate_timeout


def settings(
    *,
    api_key: str | None = "test-key",
    base_url: str | None = None,
    timeout: float | httpx.Timeout = 60.0,
    max_retries: int = 4,
    allow_http: bool = False,
    environ: dict[str, str] | None = None,
) -> object:
    return load_settings(api_key, base_url, timeout, max_retries, "warn", allow_http, environ or {})


def test_key_and_url_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KONVO_API_KEY", "test-key")
    monkeypatch.setenv("KONVO_BASE_URL", "https://elsewhere.example/konvo")
    with Konvo() as konvo:
        assert konvo.api.get_httpx_client().base_url == "https://elsewhere.example/konvo/"


def test_arguments_win_over_the_environment() -> None:
    environ = {"KONVO_API_KEY": "of-environment", "KONVO_BASE_URL": "https://environment.example"}
    found = load_settings("test-key", "https://argument.example", 60.0, 4, "warn", False, environ)
    assert (found.api_key, found.base_url) == ("test-key", "https://argument.example")


def test_an_empty_url_in_the_environment_is_ignored() -> None:
    assert (
        load_settings("test-key", None, 60.0, 4, "warn", False, {"KONVO_BASE_URL": ""}).base_url
        == "https://api.konvoai.com"
    )


@pytest.mark.parametrize("client", [Konvo, AsyncKonvo])
@pytest.mark.parametrize("key", [None, "", "   "])
def test_without_a_key_the_error_names_its_variable(client: type[Konvo] | type[AsyncKonvo], key: str | None) -> None:
    with pytest.raises(KonvoError, match="KONVO_API_KEY"):
        client(key)


@pytest.mark.parametrize("key", ["zebra-1\n", " zebra-1", "zebra-1\r\nx: y", "zebra-é", "zebra-\x00", "zebra-\u200b"])
def test_an_invalid_key_is_an_error_without_the_key(key: str) -> None:
    with pytest.raises(KonvoError, match="KONVO_API_KEY") as caught:
        settings(api_key=key)
    assert "zebra" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "konvo.example",
        "ftp://konvo.example",
        "https://",
        "https://a:b@konvo.example",
        "https://konvo.example/?a=1",
        "https://konvo.example/#a",
        "http://[::1",
        "https://konvo.example:99999",
        "https://konvo.example:0",
        "/",
        "http://konvo.example",
    ],
)
def test_an_invalid_url_is_an_error(url: str) -> None:
    with pytest.raises(KonvoError, match="KONVO_BASE_URL"):
        settings(base_url=url)


def test_the_error_of_a_url_does_not_show_its_password() -> None:
    with pytest.raises(KonvoError) as caught:
        settings(base_url="https://user:zebra@konvo.example")
    assert "zebra" not in str(caught.value)


def test_plain_http_needs_a_loopback_address_or_allow_http() -> None:
    settings(base_url="http://127.0.0.1:4010")
    settings(base_url="http://konvo.example", allow_http=True)
    with pytest.raises(KonvoError, match="allow_http"):
        settings(base_url="http://konvo.example")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
    ],
)
def test_loopback_depends_on_the_host(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_connecting_takes_at_most_five_seconds() -> None:
    assert validate_timeout(60.0) == httpx.Timeout(60.0, connect=5.0)
    assert validate_timeout(2.0) == httpx.Timeout(2.0)
    assert validate_timeout(httpx.Timeout(1.0, read=9.0)) == httpx.Timeout(1.0, read=9.0)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), None, "60", True])
def test_an_invalid_timeout_is_an_error(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        settings(timeout=timeout)


@pytest.mark.parametrize("retries", [-1, 1.5, None, True])
def test_retries_are_a_whole_number(retries: int) -> None:
    with pytest.raises(ValueError, match="max_retries"):
        settings(max_retries=retries)


def test_an_http_client_of_the_other_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"AsyncKonvo takes an httpx\.AsyncClient"):
        Konvo("test-key", http_client=httpx.AsyncClient())  # type: ignore[arg-type]
    with httpx.Client() as client, pytest.raises(ValueError, match=r"Konvo takes an httpx\.Client"):
        AsyncKonvo("test-key", http_client=client)  # type: ignore[arg-type]


def test_a_printed_client_does_not_show_the_key() -> None:
    with Konvo("zebra-1") as konvo:
        shown = f"{konvo!r} {konvo!s} {vars(konvo)} {konvo.api!r} {konvo.ai_sessions.list()!r}"
    assert "zebra" not in shown


def test_a_secret_equals_its_text_and_does_not_show_it() -> None:
    assert Secret("zebra") == "zebra"
    assert "zebra" not in repr([Secret("zebra")])
