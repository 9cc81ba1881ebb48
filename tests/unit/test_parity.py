import inspect
import re
import subprocess
import sys
from typing import Any

import pytest

import konvoai
from konvoai import AsyncKonvo, AsyncPaginator, AsyncScan, Konvo, Paginator, Scan
from tests.support import ROOT

SYNC_NAMES = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__"}


def public_methods(cls: type) -> dict[str, list[tuple[str, Any, Any]]]:
    """The public methods of a class, by their names in the sync class, with their parameters."""
    shown = {"__init__", *SYNC_NAMES, *SYNC_NAMES.values()}
    return {
        SYNC_NAMES.get(name, name): [
            (parameter.name, parameter.kind, parameter.default)
            for parameter in inspect.signature(member).parameters.values()
        ]
        for name, member in vars(cls).items()
        if callable(member) and (name in shown or not name.startswith("_"))
    }


@pytest.mark.parametrize(("sync", "async_class"), [(Konvo, AsyncKonvo), (Paginator, AsyncPaginator), (Scan, AsyncScan)])
def test_sync_and_async_have_the_same_methods_and_parameters(sync: type, async_class: type) -> None:
    assert public_methods(sync) == public_methods(async_class)


@pytest.mark.anyio
async def test_sync_and_async_offer_the_same_resources() -> None:
    with Konvo("test-key") as konvo:
        async with AsyncKonvo("test-key") as async_konvo:
            offered = [
                {name: type(value) for name, value in vars(c).items() if name[0] != "_"} for c in (konvo, async_konvo)
            ]
    assert offered[0] == offered[1]


def test_public_names_are_unique_and_sorted() -> None:
    assert konvoai.__all__ == sorted(set(konvoai.__all__))
    assert all(hasattr(konvoai, name) for name in konvoai.__all__)


@pytest.mark.parametrize(
    "name", ["errors.KonvoError", "models.AISession", "Konvo", "RateLimitError", "AISession", "UNSET"]
)
def test_a_public_name_is_an_attribute_at_once(name: str) -> None:
    """The interpreter is fresh, as names are imported with their first use."""
    subprocess.run([sys.executable, "-c", f"import konvoai; konvoai.{name}"], check=True, timeout=30)


@pytest.mark.parametrize("path", ["README.md", "tests/typing/public_names.py"])
def test_names_in_examples_are_public(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    imports = re.findall(r"^from konvoai import (?:\(([^)]*)\)|(.*))$", text, flags=re.MULTILINE)
    shown = {name for found in imports for name in re.findall(r"\w+", "".join(found))}
    assert shown
    assert sorted(shown - set(konvoai.__all__)) == []


def test_every_generated_model_is_public() -> None:
    from konvo_api_client import models

    assert set(models.__all__) <= set(konvoai.__all__)
