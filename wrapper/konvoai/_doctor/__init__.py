"""Probes of the live API: what it does where the API document is silent, and where it deviates from it.

`konvo doctor` and `make contract-live` call `runner.examine`. `probe` has a probe, its reply and the report; `checks`
and `time_filters` decide which probes to send, as generators that take replies; `runner` sends the probes over
the ordinary client, one at a time. No finding contains a value of a record, a query or the key.

May import the client, its resources and the engines; only the command may import this folder.
"""
