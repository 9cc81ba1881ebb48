"""Class attributes for what instances get when they are made, so that `unittest.mock.create_autospec` sees it."""

from importlib import import_module
from typing import Any


class ResourceClass:
    """On a client class, this attribute is the resource class of that name; an instance sets its resource itself.

    The class is imported when it is read, since the models take half as long to import as httpx.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, client: object, owner: type) -> Any:
        return getattr(import_module("konvoai._resources"), self._name)
