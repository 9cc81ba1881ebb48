"""Pages of the documentation: several documents on one, and what is said of a malformed one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.contract.openapi_documents import InvalidDocumentError
from scripts.contract.pages import decoded, documents_in
from tests.scripts.test_update import CONTACTS, TEXT

PAGE = CONTACTS.read_text(encoding="utf-8")


def refusal(text: str) -> str:
    with pytest.raises(InvalidDocumentError) as caught:
        documents_in(text, "page.md")
    return str(caught.value)


def test_each_block_of_a_page_is_a_document() -> None:
    other = PAGE.replace("/contacts", "/people").replace("````", "~~~~")
    found = documents_in(f"{PAGE}\n```yaml\nwebhook: yes\n```\n{other}", "page.md")
    assert ["page.md, block 1", "page.md, block 2"] == list(found)
    assert [["/contacts"], ["/people"]] == [list(document["paths"]) for document in found.values()]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("      parameters:\n", "      parameters:\n        -\n", "line 24, paths > /contacts > get > parameters > 0"),
        ("  /contacts:\n", "  /none:\n  /contacts:\n", "line 20, paths > /none"),
        ("    Error:\n      required", "    Gap:\n    Error:\n      required", "components > schemas > Gap"),
        ("          example: Jo\n", "          description:\n", "properties > name > description"),
    ],
)
def test_a_hole_is_refused_with_its_line_and_place(old: str, new: str, place: str) -> None:
    message = refusal(PAGE.replace(old, new, 1))
    assert (True, True) == (place in message, "there is no value; fill it in, or remove it" in message), message


def test_a_null_may_be_an_example() -> None:
    assert documents_in(PAGE.replace("example: Jo", "example: null"), "page.md")


def test_an_unknown_tag_is_refused_with_its_line() -> None:
    assert "page.md, line " in (message := refusal(PAGE.replace("example: Jo", "example: !jo Jo"))), message
    assert "!jo" in message


def test_an_old_export_is_refused_with_what_to_use() -> None:
    page = "# List\n\n````yaml GET /tickets\npaths:\n  path: /tickets\n  method: get\n````\n"
    assert "old export of Mintlify; use the page's OpenAPI block" in refusal(page)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_page_is_read_in_each_encoding_with_a_mark(encoding: str) -> None:
    assert PAGE == decoded(PAGE.encode(encoding), "page.md")


def test_another_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidDocumentError, match=r"page\.md, line 2: this is not UTF-8"):
        decoded("one\nÜber".encode("latin-1"), "page.md")


@given(st.integers(0, len(TEXT.splitlines()) - 1))
def test_a_document_without_a_line_is_read_or_refused(number: int) -> None:
    lines = TEXT.splitlines(keepends=True)
    text = "".join(lines[:number] + lines[number + 1 :])
    with suppress(InvalidDocumentError):
        assert ["page.yaml"] == list(documents_in(text, "page.yaml"))
