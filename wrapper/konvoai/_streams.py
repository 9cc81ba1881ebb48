"""Data goes to stdout, everything else to stderr."""

import sys


class Closed(Exception):
    """Nobody reads stdout any more."""


def write(text: str) -> None:
    """Data, at once."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise Closed from None


def tell(words: str) -> None:
    print(words, file=sys.stderr)
