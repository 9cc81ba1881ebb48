"""The generated attrs models.

Every schema of the API document has its class here. Attributes hold the type that the API document promises, times as
aware `datetime`s, or `UNSET`, which is falsy. Unknown fields and mismatched values are kept under their JSON names in
`additional_properties`; `to_dict()` returns what the server sent.

A model also works as a mapping of that: `session["id"]`, `session.get("sentiment")` and `dict(session)` use JSON names
and JSON values. `json.dumps` needs `session.to_dict()`. Its `repr` is short, and has no texts of customers.
"""

import copyreg as _copyreg
from collections.abc import Iterator as _Iterator
from collections.abc import KeysView as _KeysView
from datetime import datetime as _datetime
from enum import Enum as _Enum
from html import escape as _escape
from typing import TYPE_CHECKING
from typing import Any as _Any

import attrs as _attrs

import konvo_api_client.models as _generated
from konvo_api_client.models import *
from konvo_api_client.types import UNSET as UNSET
from konvo_api_client.types import Unset as Unset

_copyreg.pickle(Unset, lambda unset: "UNSET")  # by name, so that `is UNSET` holds for pickles and deep copies


def _item(model: _Any, key: str) -> _Any:
    extras = model.additional_properties
    return extras[key] if key in extras else model.to_dict()[key]


def _get(model: _Any, key: str, default: _Any = None) -> _Any:
    """Returns the JSON value of a field by its JSON name, as the server sent it, or else the default."""
    return model.to_dict().get(key, default)


def _keys(model: _Any) -> _KeysView[str]:
    """Returns the JSON names of the fields that the server sent."""
    names: _KeysView[str] = model.to_dict().keys()
    return names


def _iterate(model: _Any) -> _Iterator[str]:
    return iter(_keys(model))


def _contains(model: _Any, key: str) -> bool:
    return key in _keys(model)


def _shown(model: _Any) -> dict[str, str]:
    """Returns what identifies a model, as text: its first field, enums, flags, times, and the lengths of lists."""
    shown = {}
    for number, field in enumerate(_attrs.fields(type(model))):
        value = getattr(model, field.name)
        if isinstance(value, _Enum):
            shown[field.name] = repr(value.value)
        elif isinstance(value, _datetime):
            shown[field.name] = value.isoformat(timespec="seconds")
        elif isinstance(value, bool) or (number == 0 and isinstance(value, str | int)):
            shown[field.name] = repr(value)
        elif isinstance(value, list):
            shown[field.name] = f"[{len(value)}]"
    return shown


def _repr(model: _Any) -> str:
    return f"{type(model).__name__}({', '.join(f'{name}={value}' for name, value in _shown(model).items())})"


def _repr_html(model: _Any) -> str:
    """Returns the same as a table, for notebooks."""
    rows = "".join(
        f"<tr><th>{_escape(name)}</th><td>{_escape(value)}</td></tr>" for name, value in _shown(model).items()
    )
    return f"<table><caption>{type(model).__name__}</caption>{rows}</table>"


_METHODS = {"__repr__": _repr, "_repr_html_": _repr_html}
_MAPPING = {"__getitem__": _item, "__iter__": _iterate, "__contains__": _contains, "get": _get, "keys": _keys}
for _name in _generated.__all__:
    _class = getattr(_generated, _name)
    if _attrs.has(_class):
        _fields = {_field.name for _field in _attrs.fields(_class)}
        _mapping = _MAPPING if "additional_properties" in _fields else {}
        for _method, _function in {**_METHODS, **_mapping}.items():
            if _method not in _fields:  # a field of that name comes first
                setattr(_class, _method, _function)

if not TYPE_CHECKING:  # type checkers read the names from the star import
    __all__ = ["UNSET", "Unset", *_generated.__all__]

    def __dir__() -> list[str]:
        return __all__
