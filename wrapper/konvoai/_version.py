__version__ = "0.1.0"
INSTALL_EXTRA = "pip install 'konvoai[{}]'"
"""Adds an extra to an installed konvoai, also to one from a clone or a wheel: pip keeps it and adds packages."""
