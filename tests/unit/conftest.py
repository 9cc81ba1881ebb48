import pytest

from tests.support.both_clients import ClientMode


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> ClientMode:
    """Every test that takes it runs for `Konvo` and for `AsyncKonvo`."""
    return request.param
