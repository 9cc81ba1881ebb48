"""docs/columns.md."""

from __future__ import annotations

import re

from konvoai import AISession
from konvoai._columns import columns
from tests.support import ROOT

DOCUMENT = ROOT / "docs" / "columns.md"


def test_every_column_is_in_the_document() -> None:
    told = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    known = columns(AISession)
    assert [
        *(column.name for column in known),
        "raw",
        *(field.name for column in known for field in column.fields),
    ] == told
