"""Telling where answers depart from the API document."""

import warnings
from typing import Any

from .._settings import OnDrift
from ..errors import ContractDriftWarning

MOST_FINDINGS = 1000


class Drift:
    """Tells each departure from the document once for each place and kind."""

    def __init__(self, on_drift: OnDrift) -> None:
        self._on_drift = on_drift
        self._told: set[tuple[str, str, str]] = set()

    def tell(self, data: dict[str, Any], owner: str, name: str, kind: str) -> None:
        finding = (owner, name, kind)
        if self._on_drift == "raise":
            raise Departure(data, name, kind)
        if self._on_drift == "ignore" or finding in self._told or len(self._told) >= MOST_FINDINGS:
            return
        self._told.add(finding)
        warning = ContractDriftWarning(f"{owner}.{name}", kind)
        if callable(self._on_drift):
            self._on_drift(warning)
        else:
            warnings.warn(warning, stacklevel=2)


class Departure(Exception):
    """Where `on_drift="raise"` stops: the JSON object, its property and the kind."""

    def __init__(self, data: dict[str, Any], name: str, kind: str) -> None:
        super().__init__(kind)
        self.data, self.name, self.kind = data, name, kind
