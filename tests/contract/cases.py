"""The cases that the document gives, as marks for tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import document
from document import Operation


def _operations(operations: Sequence[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", [pytest.param(operation, id=operation.id) for operation in operations])


each_operation = _operations(document.operations())
each_list = _operations(document.lists())
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
        for operation in document.lists()
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
