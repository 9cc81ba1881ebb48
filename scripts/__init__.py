"""Tools of this repository, which run as `python -m scripts.NAME` and are not part of the wheel.

- `generate` writes generated/ from openapi.yaml, and by `resources` the typed lists of the clients.
- `demo` reads sessions from the mock of the API.
- `contract` compares the API document with its successor, the generator, the mock and the live API.

Scripts import `konvoai` and the generator; the package imports none of them.
"""
