"""`python -m konvoai` is the command `konvo`."""

import sys

from ._cli.main import main

sys.exit(main())
