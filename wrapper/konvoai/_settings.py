"""What a client is told, checked before anything is opened."""

import ipaddress
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx

from .errors import ConfigurationError, ContractDriftWarning

KEY_VARIABLE = "KONVO_API_KEY"
KEY_FILE_VARIABLE = "KONVO_API_KEY_FILE"
BASE_URL_VARIABLE = "KONVO_BASE_URL"
# The generator drops these two of the document; a contract test holds them to it.
DEFAULT_BASE_URL = "https://api.konvoai.com"
KEY_HEADER = "x-api-key"
CONNECT_TIMEOUT = 5.0
OnDrift = Literal["warn", "ignore", "raise"] | Callable[[ContractDriftWarning], object]


class InvalidKeyError(ConfigurationError):
    """There is no key, or one that cannot be sent."""


class Secret(str):
    """A text that does not show itself where objects are shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    def __str__(self) -> str:
        return "**********"


class Settings(NamedTuple):
    api_key: Secret
    key_source: str
    base_url: str
    timeout: httpx.Timeout
    max_retries: int
    on_drift: OnDrift


def load_settings(
    api_key: str | None,
    base_url: str | None,
    timeout: float | httpx.Timeout,
    max_retries: int,
    on_drift: OnDrift,
    allow_http: bool,
    environ: Mapping[str, str],
) -> Settings:
    """The settings of a client, each checked, the key and the address from the environment where not given."""
    api_key, key_source = as_secret(api_key), "api_key="
    if api_key is None:
        api_key, key_source = load_key(environ)
    base_url = base_url or environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    del environ  # which has the key, and would be shown with this frame
    return Settings(
        api_key=validate_key(api_key),
        key_source=key_source,
        base_url=validate_base_url(base_url, allow_http),
        timeout=validate_timeout(timeout),
        max_retries=validate_retries(max_retries),
        on_drift=validate_on_drift(on_drift),
    )


def load_key(environ: Mapping[str, str]) -> tuple[Secret, str]:
    """The key of the environment, or of the file that it names, and where it was."""
    name = environ.get(KEY_FILE_VARIABLE, "")
    if environ.get(KEY_VARIABLE) or not name:
        return Secret(environ.get(KEY_VARIABLE, "")), KEY_VARIABLE
    try:
        return Secret(Path(name).read_text(encoding="utf-8").strip()), f"the file of {KEY_FILE_VARIABLE}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
    del environ
    raise InvalidKeyError(f"no API key: the file that {KEY_FILE_VARIABLE} names cannot be read: {reason}")


def as_secret(key: Any) -> Any:
    """The key as a variable that does not show it, as some tools show the variables of a traceback."""
    return Secret(key) if type(key) is str else key


def validate_key(key: Any) -> Secret:
    if not isinstance(key, str) or not key.strip():
        raise InvalidKeyError(
            f"no API key: set {KEY_VARIABLE}, or {KEY_FILE_VARIABLE} to a file's name, or pass api_key="
        )
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        raise InvalidKeyError(
            f"the API key cannot be sent in a header: it has a space, a line break or another character around or in "
            f"it that no key has; correct {KEY_VARIABLE} or api_key="
        )
    return key if isinstance(key, Secret) else Secret(key)


def validate_base_url(address: str, allow_http: bool) -> str:
    advice = f"correct {BASE_URL_VARIABLE} or base_url="
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError(f"the server's address is no URL; {advice}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"the server's address must begin with https:// and name a host; {advice}")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError(f"the server's address must have no user, password, query or fragment; {advice}")
    if url.scheme == "http" and not (allow_http or is_loopback(url.host)):
        raise ConfigurationError(
            f"http://{url.host} would carry the key in the clear: use https://, or pass allow_http=True; {advice}"
        )
    return str(url)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def validate_timeout(timeout: float | httpx.Timeout) -> httpx.Timeout:
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        raise ConfigurationError("timeout must be a number of seconds above 0, or an httpx.Timeout")
    return httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))


def validate_retries(max_retries: int) -> int:
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
        raise ConfigurationError("max_retries must be a whole number, 0 or above")
    return max_retries


def validate_on_drift(on_drift: OnDrift) -> OnDrift:
    if not callable(on_drift) and on_drift not in ("warn", "ignore", "raise"):
        raise ConfigurationError('on_drift must be "warn", "ignore", "raise" or a callable')
    return on_drift
