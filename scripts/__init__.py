"""Tools of this repository, which run as `python -m scripts.NAME` and are not part of the wheel.

- `generate` writes generated/ from openapi.yaml.
- `mock` runs Prism on openapi.yaml; the contract tests and the README use it.
- `demo` reads sessions from mocks.
- `contract` compares the API document with its successor, the generator, the mock and the live API.

Scripts import `konvoai`, the generator and, for the demo, `tests.support`; the package imports none of them.
"""
