"""docs/columns.md lists the columns of the model."""

from __future__ import annotations

import re

from konvoai import AISession
from konvoai._tables.columns import columns
from tests.support import ROOT

DOCS = ROOT / "docs" / "columns.md"


def test_docs_list_every_column() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    session_columns = columns(AISession)
    assert [
        *(column.name for column in session_columns),
        "raw",
        *(field.name for column in session_columns for field in column.fields),
    ] == documented
