"""What a reading of some columns requests; pyarrow is imported with the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._version import INSTALL_EXTRA
from ..errors import KonvoError

if TYPE_CHECKING:
    from .._tables.tables import Tables


def tables_of(envelope: type, columns: Sequence[str] | None, raw: bool = False) -> Tables:
    try:
        from .._tables.tables import Tables
    except ModuleNotFoundError:
        raise KonvoError(f"Arrow tables need pyarrow: {INSTALL_EXTRA.format('arrow')}") from None
    return Tables.of(envelope, columns, raw)


def needed_flags(
    tables: Tables, include: Mapping[str, Any], added_fields: Mapping[str, Sequence[str]], raw: bool
) -> dict[str, Any]:
    """Returns the flags that the columns need; with `raw`, also those that were given."""
    names = {column.path[0] for column in tables.columns if column.path}
    needed = {flag: not names.isdisjoint(fields) for flag, fields in added_fields.items()}
    return {**include, **{flag: need or (raw and include.get(flag, False)) for flag, need in needed.items()}}
