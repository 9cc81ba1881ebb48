"""The Python client of the Konvo API: AI support conversations on WhatsApp, live chat, e-mail and Instagram."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:  # the aliases and the stars say that these are public
    from ._client import AsyncKonvo as AsyncKonvo
    from ._client import Konvo as Konvo
    from ._pagination.paginator import AsyncPaginator as AsyncPaginator
    from ._pagination.paginator import AsyncScan as AsyncScan
    from ._pagination.paginator import Paginator as Paginator
    from ._pagination.paginator import Scan as Scan
    from ._pagination.protocol import Page as Page
    from ._pagination.protocol import Window as Window
    from ._spans.plan import Span as Span
    from ._spans.reading import plan_spans as plan_spans
    from .errors import *
    from .models import *
else:
    # Imported on first use: `konvo --help` needs none of them, and no program needs all.
    _OWN = dict.fromkeys(("AsyncKonvo", "Konvo"), "_client")
    _OWN |= dict.fromkeys(("Page", "Window"), "_pagination.protocol")
    _OWN |= {"Span": "_spans.plan", "plan_spans": "_spans.reading"}
    _OWN |= dict.fromkeys(("AsyncPaginator", "AsyncScan", "Paginator", "Scan"), "_pagination.paginator")

    def __getattr__(name: str) -> Any:
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name in _OWN:
            return getattr(import_module(f"{__name__}.{_OWN[name]}"), name)
        public = ["__version__", *_OWN]
        for module in (import_module(f"{__name__}.{part}") for part in ("errors", "models")):
            if module.__name__ == f"{__name__}.{name}":
                return module
            if name in module.__all__:
                return getattr(module, name)
            public += module.__all__
        if name == "__all__":
            return sorted(public)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __getattr__("__all__")
