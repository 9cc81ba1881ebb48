"""Run beside a client that was generated from orders.yaml: holds the decoder to types that ours does not have."""

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
from tests.support import api_document as document
from tests.support.strategies import conforming

document.PATH = Path(sys.argv[1])
DECODE = partial(decode_page, models.OrderResponse)
ORDERS = {"$ref": "#/components/schemas/OrderResponse"}
ORDER = {
    "orderId": "2eac78c7-ef64-49cb-82f0-7280b555f015",
    "placedAt": "2026-02-25T16:46:34Z",
    "customer": {"name": "A", "since": 2020},
}


def answer(page: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(page), request=httpx.Request("GET", "https://konvo.example"))


def decode(*records: Any) -> list[Any]:
    response = answer({"result": records})
    return page_response(DECODE, response, Drift("ignore")).items


@settings(deadline=None, max_examples=60)
@given(conforming(ORDERS, more=False))
def conforming_answers_are_decoded_as_from_dict_does(page: dict[str, Any]) -> None:
    response = answer(page)
    assert page_response(DECODE, response, Drift("raise")).items == models.OrderResponse.from_dict(page).result


def each_type_arrives() -> None:
    (order,) = decode({**ORDER, "due": "2026-03-01", "from": "shop", "class": "c", "priority": 4, "note": None})
    assert (order.order_id, order.placed_at) == (UUID(ORDER["orderId"]), datetime(2026, 2, 25, 16, 46, 34, tzinfo=UTC))
    assert (order.due, order.from_, order.class_, order.priority, order.note) == (
        date(2026, 3, 1),
        "shop",
        "c",
        4,
        None,
    )
    assert isinstance(order.class_, models.OrderClass)
    assert order.customer["since"] == 2020


def what_does_not_fit_is_kept_aside() -> None:
    odd = {
        "due": "1 March",
        "priority": True,
        "tags": ["a", 5],
        "grid": [[1], ["x"]],
        "number": 1.5,
        "parts": [ORDER, {"orderId": 5}],
        "stock": {"a": "many"},
        "places": {"b": {"vip": True}},
        "closed": {"code": 1, "more": 2},
        "shippedAt": "never",
    }
    (order,) = decode({**copy.deepcopy(ORDER), **copy.deepcopy(odd)})
    assert order.additional_properties == odd
    assert order.to_dict() == {**ORDER, **odd, "placedAt": "2026-02-25T16:46:34+00:00"}


def a_record_without_what_it_must_have_is_an_error_with_its_place() -> None:
    with pytest.raises(ResponseValidationError) as caught:
        decode(ORDER, {**ORDER, "placedAt": "never"})
    assert caught.value.json_path == "result[1]"


if __name__ == "__main__":
    conforming_answers_are_decoded_as_from_dict_does()
    each_type_arrives()
    what_does_not_fit_is_kept_aside()
    a_record_without_what_it_must_have_is_an_error_with_its_place()
