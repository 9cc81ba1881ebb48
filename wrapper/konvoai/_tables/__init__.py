"""Records as the columns of a table.

`columns` says which columns a model has, and finds a record's value in each. `arrays` turns the values into Arrow
arrays: Parquet files, Arrow tables and Spark get the same ones, with the types that docs/columns.md lists. Only
`arrays` needs pyarrow.

The room may import `_decoding`, `errors` and `models`.
"""
