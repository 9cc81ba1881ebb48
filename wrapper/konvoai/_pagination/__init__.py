"""Every record exactly once, from pages that move while they are read.

`protocol` has the values that pass between flows and drivers. `list_flow` and `scan_flow` are flows: generators that
decide which requests to send and what to yield, without a client, a clock or `asyncio`. `page_tracker`, `window_plan`
and `server_clock` are their parts. `drivers` run a flow with threads or tasks; `paginator` is what users iterate.

It imports nothing of the wrapper but `errors`.
"""
