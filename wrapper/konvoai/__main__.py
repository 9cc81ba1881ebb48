"""Runs the command `konvo` as `python -m konvoai`."""

import sys

from ._cli.main import main

sys.exit(main())
