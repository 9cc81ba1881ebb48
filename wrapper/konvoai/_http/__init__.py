"""One HTTP request: retried, throttled, and bounded in time and size.

`transport` sends what `request_flow` decides, over the httpx client that `clients` opens. `retry`, `throttle`,
`deadline`, `headers` and `status_errors` are its pure parts. `body` gathers a response; `interruptible` lets a waiting
thread notice that its request was cancelled; `log` configures the logger `konvoai`.

It knows no pages and no models, and imports neither `_decoding` nor `_pagination`.
"""
