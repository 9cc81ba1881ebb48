"""A mock of the Konvo API, for the tests of programs that use konvoai.

`MockKonvo` is a real HTTP server in this process whose sessions can change, and which can fail on demand.
`make_session` and `make_sessions` make realistic sessions. pytest finds the fixture `mock_konvo` by itself.
Needs nothing but konvoai: no extra, no Node.js. Where the mock is stateful, `_store` holds the state.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._mock_konvo import MockKonvo as MockKonvo
    from ._store.sessions import make_session as make_session
    from ._store.sessions import make_sessions as make_sessions
else:
    # Imported on first use, since pytest imports this package in every run.
    _OWN = {"MockKonvo": "_mock_konvo", "make_session": "_store.sessions", "make_sessions": "_store.sessions"}

    def __getattr__(name: str) -> Any:
        if name not in _OWN:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_OWN[name]}"), name)

    def __dir__() -> list[str]:
        return __all__


__all__ = ["MockKonvo", "make_session", "make_sessions"]
