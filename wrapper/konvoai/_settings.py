"""The settings of a client, from arguments and the environment, validated before a connection is opened."""

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
# The generator drops these two of the API document; a contract test compares them.
DEFAULT_BASE_URL = "https://api.konvoai.com"
KEY_HEADER = "x-api-key"
CONNECT_TIMEOUT = 5.0
OnDrift = Literal["warn", "ignore", "raise"] | Callable[[ContractDriftWarning], object]


class InvalidKeyError(ConfigurationError):
    """The API key is missing, or cannot be sent in a header."""


class Secret(str):
    """A string that reprs and logs do not show."""

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
    """Returns the validated settings of a client; the key and the URL default to the environment."""
    api_key, key_source = as_secret(api_key), "api_key="
    if api_key is None:
        api_key, key_source = load_key(environ)
    base_url = base_url or environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    del environ  # tools that show the variables of a traceback would show the key
    api_key, base_url = validate_key(api_key), validate_base_url(base_url, allow_http)
    timeout = validate_timeout(timeout)
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
        raise ConfigurationError("max_retries must be a whole number, 0 or above")
    if not callable(on_drift) and on_drift not in ("warn", "ignore", "raise"):
        raise ConfigurationError('on_drift must be "warn", "ignore", "raise" or a callable')
    return Settings(api_key, key_source, base_url, timeout, max_retries, on_drift)


def load_key(environ: Mapping[str, str]) -> tuple[Secret, str]:
    """Returns the key from the environment, or from the file named there, and its source."""
    name = environ.get(KEY_FILE_VARIABLE, "")
    if environ.get(KEY_VARIABLE) or not name:
        return Secret(environ.get(KEY_VARIABLE, "")), KEY_VARIABLE
    try:
        return Secret(Path(name).read_text(encoding="utf-8").strip()), f"the file of {KEY_FILE_VARIABLE}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    del environ
    raise InvalidKeyError(f"no API key: the file that {KEY_FILE_VARIABLE} names cannot be read: {reason}")


def as_secret(key: Any) -> Any:
    """Returns the key so that tools that show the variables of a traceback do not show it."""
    return Secret(key) if type(key) is str else key


def validate_key(key: Any) -> Secret:
    if not isinstance(key, str) or not key.strip():
        raise InvalidKeyError(
            f"no API key: set {KEY_VARIABLE}, set {KEY_FILE_VARIABLE} to the name of a file, or pass api_key= in Python"
        )
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        raise InvalidKeyError(
            f"the API key cannot be sent in a header: it contains a space, a line break or a non-ASCII character; "
            f"correct {KEY_VARIABLE}, or api_key= in Python"
        )
    return key if isinstance(key, Secret) else Secret(key)


def validate_base_url(base_url: str, allow_http: bool) -> str:
    hint = f"correct {BASE_URL_VARIABLE}, or base_url= in Python"
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError(f"the server's URL is invalid; {hint}") from None
    if url.scheme not in ("http", "https") or not is_reachable(url):
        raise ConfigurationError(f"the server's URL must begin with https:// and name a host and a valid port; {hint}")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError(f"the server's URL must have no user, password, query or fragment; {hint}")
    if url.scheme == "http" and not (allow_http or is_loopback(url.host)):
        raise ConfigurationError(
            f"http://{url.host} would carry the key in the clear: use https://, or allow_http=True in Python; {hint}"
        )
    return str(url)


def is_reachable(url: httpx.URL) -> bool:
    """Returns whether the URL has a host, and a port that a socket accepts."""
    return bool(url.host) and (url.port is None or 0 < url.port < 2**16)


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
