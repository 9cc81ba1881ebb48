"""The Python client of the Konvo API: AI support conversations on WhatsApp, live chat, e-mail and Instagram."""

from . import errors as _errors
from . import models as _models
from ._client import AsyncKonvo, Konvo
from ._paginator import AsyncPaginator, Paginator
from ._version import __version__
from ._walk import Page
from .errors import *
from .models import *

__all__ = ["AsyncKonvo", "AsyncPaginator", "Konvo", "Page", "Paginator", "__version__"]
__all__ += _errors.__all__
__all__ += _models.__all__
