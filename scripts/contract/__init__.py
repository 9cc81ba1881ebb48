"""The API document against its successor, the generator, the mock and the real server."""
