"""Marks that parametrize a test with the operations, responses and parameters of the API document."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support import api_document
from tests.support.api_document import Operation
from tests.support.contract_clients import is_offered


def _operations(operations: Sequence[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", [pytest.param(operation, id=operation.id) for operation in operations])


# A list that the wrapper does not offer yet fails one test, not all of them.
offered_lists = [operation for operation in api_document.lists() if is_offered(operation)]

each_operation = _operations(api_document.operations())
each_list = _operations(offered_lists)
each_response = pytest.mark.parametrize(
    ("operation", "response"),
    [
        pytest.param(operation, response, id=f"{operation.id}-{response.status}")
        for operation in api_document.operations()
        for response in operation.responses
    ],
)
each_list_error = pytest.mark.parametrize(
    ("operation", "error"),
    [
        pytest.param(operation, error, id=f"{operation.id}-{error.status}")
        for operation in offered_lists
        for error in operation.errors
    ],
)
each_parameter = pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        pytest.param(operation, parameter, id=f"{operation.id}-{parameter.name}")
        for operation in api_document.operations()
        for parameter in operation.parameters
    ],
)
