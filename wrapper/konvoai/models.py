"""The generated attrs models, under one roof.

Every schema of the API document has its class here. Attributes hold the type that the document promises, times as
aware `datetime`s, or `UNSET`, which is falsy. What the document does not list, or what does not fit it, is kept under
its JSON name in `additional_properties`; `to_dict()` gives back what came.
"""

from typing import TYPE_CHECKING

import konvo_api_client.models as _generated
from konvo_api_client.models import *
from konvo_api_client.types import UNSET as UNSET
from konvo_api_client.types import Unset as Unset

if not TYPE_CHECKING:  # a type checker takes the names from the star
    __all__ = ["UNSET", "Unset", *_generated.__all__]
