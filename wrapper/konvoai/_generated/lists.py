"""The resource classes; each operation with its parameters."""

from .._resources import AISessions as AISessions
