"""Checks of the decoder on types that our API does not have, with a client generated from orders.yaml."""

import copy
import json
import sys
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings

from konvoai import ResponseValidationError, models
from konvoai._client import page_response
from konvoai._decoding.drift import Drift
from konvoai._decoding.page import decode_page
from tests.support import api_document
from tests.support.strategies import conforming
from tests.support.tolerant_decoding import assert_decoded_as_by_the_tolerant_decoder, odd_pages

api_document.PATH = Path(sys.argv[1])
DECODE = partial(decode_page, models.OrderResponse)
ORDERS = {"$ref": "#/components/schemas/OrderResponse"}
ORDER = {
    "orderId": "2eac78c7-ef64-49cb-82f0-7280b555f015",
    "placedAt": "2026-02-25T16:46:34Z",
    "customer": {"name": "A", "since": 2020},
}


def make_response(page: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(page), request=httpx.Request("GET", "https://konvo.example"))


def decode(*records: Any) -> list[Any]:
    response = make_response({"result": records})
    return page_response(DECODE, response, Drift("ignore")).items


@settings(deadline=None, max_examples=60)
@given(conforming(ORDERS, extra=False))
def a_conforming_response_equals_from_dict(page: dict[str, Any]) -> None:
    response = make_response(page)
    assert page_response(DECODE, response, Drift("raise")).items == models.OrderResponse.from_dict(page).result


@settings(deadline=None, max_examples=60)
@given(odd_pages(ORDERS))
def odd_pages_decode_as_by_the_tolerant_decoder(page: dict[str, Any]) -> None:
    assert_decoded_as_by_the_tolerant_decoder(models.OrderResponse, page)


def each_type_is_decoded() -> None:
    (order,) = decode({**ORDER, "due": "2026-03-01", "from": "store", "class": "c", "priority": 4, "note": None})
    assert (order.order_id, order.placed_at) == (UUID(ORDER["orderId"]), datetime(2026, 2, 25, 16, 46, 34, tzinfo=UTC))
    assert (order.due, order.from_, order.class_, order.priority, order.note) == (
        date(2026, 3, 1),
        "store",
        "c",
        4,
        None,
    )
    assert isinstance(order.class_, models.OrderClass)
    assert order.customer["since"] == 2020


def mismatched_fields_are_kept_in_additional_properties() -> None:
    mismatched = {
        "due": "1 March",
        "priority": True,
        "tags": ["a", 5],
        "grid": [[1], ["x"]],
        "number": 1.5,
        "parts": [ORDER, {"orderId": 5}],
        "stock": {"a": "many"},
        "sites": {"b": {"vip": True}},
        "closed": {"code": 1, "more": 2},
        "shippedAt": "never",
    }
    (order,) = decode({**copy.deepcopy(ORDER), **copy.deepcopy(mismatched)})
    assert order.additional_properties == mismatched
    assert order.to_dict() == {**ORDER, **mismatched, "placedAt": "2026-02-25T16:46:34+00:00"}


def an_invalid_required_field_is_an_error_with_its_path() -> None:
    with pytest.raises(ResponseValidationError) as caught:
        decode(ORDER, {**ORDER, "placedAt": "never"})
    assert caught.value.json_path == "result[1]"


if __name__ == "__main__":
    a_conforming_response_equals_from_dict()
    odd_pages_decode_as_by_the_tolerant_decoder()
    each_type_is_decoded()
    mismatched_fields_are_kept_in_additional_properties()
    an_invalid_required_field_is_an_error_with_its_path()
