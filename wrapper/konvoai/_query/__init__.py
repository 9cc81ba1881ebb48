"""One list operation with its arguments, whatever sends it.

`list_query` has its flows and its requests. `columns` decides which flags the columns of a table need, and imports
pyarrow late.

The room may import `_arguments`, `_decoding`, `_pagination`, `_tables` and `errors`.
"""
