"""Benchmarks, which print medians and ratios of one run: `python -m benchmarks.decode`, or all with `make bench`.

- `decode`: a page of sessions to objects, compared with `json.loads`, msgspec, pydantic and the generated client.
- `imports`: importing the client and starting the command.
- `reading`: whole lists and scans from a local server: time, CPU, requests and memory.
- `export`: exports and sync, compared with a plain script.

`pages` makes the data and `ratios` prints the tables. They import `konvoai`, its mock `konvoai.testing` too.
"""
