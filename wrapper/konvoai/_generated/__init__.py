"""What the clients offer for each list operation of the API document; written by `make generate`.

`attributes` names the resources and is imported with the clients; `lists` has their classes, typed by the builders and
models of the generated package. Do not edit: a class of the same name in `_resources` takes the place of a written one.
The modules may import `_resources`, `_pagination` and `models`.
"""
