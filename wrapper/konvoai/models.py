"""The generated attrs models.

Every schema of the API document has its class here. Attributes hold the type that the API document promises, times as
aware `datetime`s, or `UNSET`, which is falsy. Unknown fields and mismatched values are kept under their JSON names in
`additional_properties`; `to_dict()` returns what the server sent.
"""

import copyreg as _copyreg
from typing import TYPE_CHECKING

import konvo_api_client.models as _generated
from konvo_api_client.models import *
from konvo_api_client.types import UNSET as UNSET
from konvo_api_client.types import Unset as Unset

_copyreg.pickle(Unset, lambda unset: "UNSET")  # by name, so that `is UNSET` holds for pickles and deep copies

if not TYPE_CHECKING:  # type checkers read the names from the star import
    __all__ = ["UNSET", "Unset", *_generated.__all__]
