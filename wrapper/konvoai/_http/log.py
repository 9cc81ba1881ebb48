"""The logger `konvoai`: silent, unless the program listens to it or KONVO_LOG asks for it."""

import logging

from ..errors import ConfigurationError

LOG_VARIABLE = "KONVO_LOG"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}
logger = logging.getLogger("konvoai")
logger.addHandler(logging.NullHandler())


def configure_logging(request_label: str) -> None:
    """Shows the log on standard error: `debug` every request, `info` retries and waits, nothing else."""
    if not request_label:
        return
    if request_label.lower() not in LEVELS:
        raise ConfigurationError(f"{LOG_VARIABLE} must be one of {', '.join(LEVELS)}, not {request_label!r}")
    logger.setLevel(LEVELS[request_label.lower()])
    if not any(handler.get_name() == LOG_VARIABLE for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.set_name(LOG_VARIABLE)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
