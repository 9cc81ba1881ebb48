"""The Python client of the Konvo API: AI support conversations on WhatsApp, live chat, e-mail and Instagram."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    import konvo_api_client.models as _generated

    from . import errors as _errors
    from ._client import AsyncKonvo, Konvo
    from ._pagination.paginator import AsyncPaginator, AsyncScan, Paginator, Scan
    from ._pagination.protocol import Page, Window
    from .errors import *
    from .models import *
    from .models import UNSET, Unset

    __all__ = ["UNSET", "Unset", "__version__"]
    __all__ += ["AsyncKonvo", "AsyncPaginator", "AsyncScan", "Konvo", "Page", "Paginator", "Scan", "Window"]
    __all__ += _errors.__all__
    __all__ += _generated.__all__
else:
    # Each waits for its first use: `konvo --help` needs none of them, and no program all.
    _OWN = {"AsyncKonvo": "_client", "Konvo": "_client", "Page": "_pagination.protocol"}
    _OWN |= {"Window": "_pagination.protocol"}
    _OWN |= dict.fromkeys(("AsyncPaginator", "AsyncScan", "Paginator", "Scan"), "_pagination.paginator")

    def __getattr__(name: str) -> Any:
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name in _OWN:
            return getattr(import_module(f"{__name__}.{_OWN[name]}"), name)
        errors = import_module(f"{__name__}.errors")
        if name == "errors":
            return errors
        if name in errors.__all__:
            return getattr(errors, name)
        models = import_module(f"{__name__}.models")
        if name == "models":
            return models
        if name == "__all__":
            return sorted(["__version__", *_OWN, *errors.__all__, *models.__all__])
        if name in models.__all__:
            return getattr(models, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __getattr__("__all__")
