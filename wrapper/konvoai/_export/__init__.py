"""Exports the records of a resource to a file: complete or absent, and resumable.

`export` runs an export from start to end. `checkpoint` keeps what an unfinished export has read in a folder next to the
file, with the state that `--resume` continues from. `formats` encodes records as JSON Lines and CSV, `parquet` as
Parquet; each turns the growing data into the final file. `redaction` drops or hashes fields before anything is written.

The modules may import `_client`, `_resources`, `_tables`, `errors` and the engines (`_http`, `_pagination`,
`_decoding`). pyarrow is imported only for Parquet.
"""
