import pytest

from tests.support.both_clients import Face


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest) -> Face:
    """Every test that takes it runs for `Konvo` and for `AsyncKonvo`."""
    return request.param
