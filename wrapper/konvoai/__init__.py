"""The Python client of the Konvo API: AI support conversations on WhatsApp, live chat, e-mail and Instagram."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors as _errors
from ._client import AsyncKonvo, Konvo
from ._paginator import AsyncPaginator, AsyncScan, Paginator, Scan
from ._scan import Window
from ._version import __version__
from ._walk import Page
from .errors import *

if TYPE_CHECKING:
    import konvo_api_client.models as _generated

    from .models import *
    from .models import UNSET, Unset

    __all__ = ["UNSET", "Unset", "__version__"]
    __all__ += ["AsyncKonvo", "AsyncPaginator", "AsyncScan", "Konvo", "Page", "Paginator", "Scan", "Window"]
    __all__ += _errors.__all__
    __all__ += _generated.__all__
else:
    # The models, and attrs with them, take half as long to import as httpx: they wait for their first use.
    def __getattr__(name: str) -> Any:
        models = import_module(f"{__name__}.models")
        if name == "__all__":
            own = ["AsyncKonvo", "AsyncPaginator", "AsyncScan", "Konvo", "Page", "Paginator", "Scan", "Window"]
            return sorted(["__version__", *own, *_errors.__all__, *models.__all__])
        if name in models.__all__:
            return getattr(models, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __getattr__("__all__")
