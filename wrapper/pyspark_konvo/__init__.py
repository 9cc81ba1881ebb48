"""Spark imports every module named `pyspark_*` to find data sources; an error here would break all of a session's."""

from konvoai.spark import KonvoDataSource as DefaultSource

__all__ = ["DefaultSource"]
