"""Spans of time that share a reading among processes or machines.

`plan` decides, from counts alone, spans that have about as many records each. `reading` counts for it, and reads what
one task of an engine has to: its span, and what has left it meanwhile.

The room may import `_client`, `_resources`, `_tables`, `errors` and the engines.
"""
