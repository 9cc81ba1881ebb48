"""The pytest plugin: the fixture `mock_konvo`. pytest imports this module in every run, so it imports nothing slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._mock_konvo import MockKonvo


@pytest.fixture
def mock_konvo() -> Iterator[MockKonvo]:
    """A `konvoai.testing.MockKonvo` without sessions, which `Konvo()` without arguments finds by the environment."""
    from ._mock_konvo import MockKonvo

    with MockKonvo() as mock, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KONVO_BASE_URL", mock.url)
        patch.setenv("KONVO_API_KEY", mock.key)
        yield mock
