"""Strict decoding gives what the tolerant decoder gives, however odd the page."""

from typing import Any

import pytest
from hypothesis import given, settings

from konvoai import AISessionResponse
from tests.support.tolerant_decoding import assert_decoded_as_by_the_tolerant_decoder, odd_pages

PAGE = {"$ref": "#/components/schemas/AISessionResponse"}


@pytest.mark.drawn
@settings(max_examples=settings().max_examples * 3 // 4)
@given(odd_pages(PAGE))
def test_odd_pages_decode_as_by_the_tolerant_decoder(page: dict[str, Any]) -> None:
    assert_decoded_as_by_the_tolerant_decoder(AISessionResponse, page)
