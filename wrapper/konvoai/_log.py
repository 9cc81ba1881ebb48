"""The logger `konvoai`: silent, unless the program listens to it or KONVO_LOG asks for it."""

import logging
from collections.abc import Mapping

from ._settings import InvalidSettingError

LOG_VARIABLE = "KONVO_LOG"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}

logger = logging.getLogger("konvoai")
logger.addHandler(logging.NullHandler())


def log_as_asked(environ: Mapping[str, str]) -> None:
    """Shows the log on standard error where KONVO_LOG is `debug` (every request) or `info` (retries and waits)."""
    asked = environ.get(LOG_VARIABLE, "").lower()
    if not asked:
        return
    if asked not in LEVELS:
        raise InvalidSettingError(f"{LOG_VARIABLE} must be one of {', '.join(LEVELS)}, not {asked!r}")
    logger.setLevel(LEVELS[asked])
    if not any(handler.get_name() == LOG_VARIABLE for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.set_name(LOG_VARIABLE)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
