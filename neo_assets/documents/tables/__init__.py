"""Tables: their structure by SLANet-plus, by drawn rules and by where text stands, to HTML."""

from neo_assets.documents.tables.reader import Table, TableReader

__all__ = ["Table", "TableReader"]
