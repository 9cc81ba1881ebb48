"""A shop's sessions in memory: what a server has, without HTTP.

`store` lists them as its `habits` say; `made_store` holds realistic ones, which `sessions` makes from the models.
"""
