"""The attributes of the clients, by the name of their resource class; imports nothing at runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import models
    from .._pagination.paginator import AsyncPaginator, AsyncScan, Paginator, Scan
    from . import lists

RESOURCES = {"ai_sessions": "AISessions"}
COMMANDS = {"sessions": "AISessions"}


class Lists:
    """The resources of `Konvo`."""

    ai_sessions: lists.AISessions[Paginator[models.AISession], Scan[models.AISession]]


class AsyncLists:
    """The resources of `AsyncKonvo`."""

    ai_sessions: lists.AISessions[AsyncPaginator[models.AISession], AsyncScan[models.AISession]]
