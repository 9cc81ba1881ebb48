"""A database of the sessions, and a report from it.

`sync` reads the sessions that changed and merges them into a DuckDB file or another database; dlt does the writing.
The tables, the state and the batches are those of the public `konvoai.dlt`.

`report` writes one HTML file from such a DuckDB file: `figures` computes its numbers in SQL, `page` renders them with
`report.html` and `report.js`.

It may import `_client`, `_resources`, `_tables`, `dlt` and the engines; only `_cli` imports it.
"""
