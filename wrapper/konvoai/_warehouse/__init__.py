"""A database of the sessions, and a report from it.

`sync` reads the sessions that changed, as Arrow `tables`, and replaces their rows together with the `state`:
`duckdb_file` in a DuckDB file, `pipeline` in any database of dlt. The public `konvoai.dlt` shares them.

`report` writes one HTML file from such a DuckDB file: `figures` computes its numbers in SQL, `page` renders them with
`report.html` and `report.js`.

It may import `_export`, `_client`, `_resources`, `_tables` and the engines; only `_cli` and `dlt` import it.
"""
