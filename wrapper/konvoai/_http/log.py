"""The logger `konvoai`: silent unless the program configures it or KONVO_LOG is set."""

import logging

from ..errors import ConfigurationError

LOG_VARIABLE = "KONVO_LOG"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}
logger = logging.getLogger("konvoai")
logger.addHandler(logging.NullHandler())


def configure_logging(level: str) -> None:
    """Write the log to standard error: `debug` shows every request, `info` retries and waits."""
    if not level:
        return
    if level.lower() not in LEVELS:
        raise ConfigurationError(f"{LOG_VARIABLE} must be one of {', '.join(LEVELS)}, not {level!r}")
    logger.setLevel(LEVELS[level.lower()])
    if not any(handler.get_name() == LOG_VARIABLE for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.set_name(LOG_VARIABLE)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
