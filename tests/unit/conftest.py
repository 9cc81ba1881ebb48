import pytest

from tests.support.both_clients import ClientMode


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> ClientMode:
    """Run each test that takes it for `Konvo` and for `AsyncKonvo`."""
    return request.param
