"""Report where responses depart from the API document."""

import sys
import warnings
from typing import Any

from .._settings import OnDrift
from ..errors import ContractDriftWarning

MAX_FINDINGS = 1000


class Drift:
    """Reports each departure once per field and kind, as `on_drift` says."""

    def __init__(self, on_drift: OnDrift) -> None:
        self._on_drift = on_drift
        self.raises = on_drift == "raise"
        self._reported: set[tuple[str, str, str]] = set()

    def report(self, data: dict[str, Any], owner: str, name: str, kind: str) -> None:
        finding = (owner, name, kind)
        if self.raises:
            raise DriftError(data, name, kind)
        if self._on_drift == "ignore" or finding in self._reported or len(self._reported) >= MAX_FINDINGS:
            return
        self._reported.add(finding)
        warning = ContractDriftWarning(f"{owner}.{name}", kind)
        if callable(self._on_drift):
            self._on_drift(warning)
        else:
            warnings.warn(warning, stacklevel=stack_level_of_user())


def stack_level_of_user() -> int:
    """Returns the level of the first caller outside of this package, as its caller gives it to `warnings.warn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == __name__.partition(".")[0]:
        level, frame = level + 1, frame.f_back
    return level


class DriftError(Exception):
    """Raised for `on_drift="raise"`: the JSON object, its property and the kind."""

    def __init__(self, data: dict[str, Any], name: str, kind: str) -> None:
        super().__init__(kind)
        self.data, self.name, self.kind = data, name, kind
