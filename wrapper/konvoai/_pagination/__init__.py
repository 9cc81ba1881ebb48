"""Reads every record exactly once, or raises: pure decisions about requests, without a client or a clock of its own.

`protocol` has the vocabulary. `list_flow` reads a list by its pages (`page_tracker`), `scan_flow` by windows of time
(`stretch_reader`, `window_plan`). Both rest on the proof in `window_reader`; `record_keys` identifies records.
`drivers` sends what a flow requests, by threads or tasks, and `paginator` has the public classes.

This folder imports only `errors` of the package.
"""
