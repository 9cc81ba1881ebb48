"""The tests of konvoai; `unit/` mirrors the package."""
