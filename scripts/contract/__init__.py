"""Checks of the API document against its successor, the generator, the mock and the live API.

- `openapi_documents` reads documents; `diff` compares two of them, and `release_notes` says what that means for users.
- `update` brings openapi.yaml up to newer documents by `merge`.
- `generator_gaps` finds what the generator drops.
- `mutation_test` runs the contract tests against the documents of `mutations`.
- `live` compares the live API with the document; `security` looks up known vulnerabilities.

Modules import one another and `scripts.generate`; only `live` imports `konvoai`.
"""
