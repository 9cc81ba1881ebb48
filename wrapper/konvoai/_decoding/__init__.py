"""From the bytes of a response to models or raw records.

`page` decodes a list page to attrs models, `records` to raw records; both are strict about the envelope and tolerant
about each record. `strict` decodes what conforms to the API document, `tolerant` the rest, both from the `fields` of
the generated classes; `parse` turns bytes into JSON values; `drift` reports where records depart from the document.

It knows no HTTP policy and no pages of a list, and imports neither `_http` nor `_pagination`.
"""
