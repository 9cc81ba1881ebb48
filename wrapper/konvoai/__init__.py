"""The Python client of the Konvo API: AI support conversations on WhatsApp, live chat, e-mail and Instagram."""

import konvo_api_client.models as _generated

from . import errors as _errors
from ._client import AsyncKonvo, Konvo
from ._paginator import AsyncPaginator, Paginator
from ._version import __version__
from ._walk import Page
from .errors import *
from .models import *
from .models import UNSET, Unset

__all__ = ["UNSET", "AsyncKonvo", "AsyncPaginator", "Konvo", "Page", "Paginator", "Unset", "__version__"]
__all__ += _errors.__all__
__all__ += _generated.__all__
