"""The cases that the document gives, as marks for tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support import api_document as document
from tests.support.api_document import Operation
from tests.support.contract_clients import lists_of_the_wrapper, python_name


def _operations(operations: Sequence[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", [pytest.param(operation, id=operation.id) for operation in operations])


# A list that the wrapper does not offer yet is named by one test, not by all that would read it.
offered_lists = [operation for operation in document.lists() if python_name(operation.tag) in lists_of_the_wrapper()]

each_operation = _operations(document.operations())
each_list = _operations(offered_lists)
each_answer = pytest.mark.parametrize(
    ("operation", "answer"),
    [
        pytest.param(operation, answer, id=f"{operation.id}-{answer.status}")
        for operation in document.operations()
        for answer in operation.answers
    ],
)
each_error_of_a_list = pytest.mark.parametrize(
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
        for operation in document.operations()
        for parameter in operation.parameters
    ],
)
