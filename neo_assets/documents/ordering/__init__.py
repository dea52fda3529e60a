"""The reading order of a document's elements, and what stands on its pages without being part of the text."""

from neo_assets.documents.ordering.document import order_document as order_document
from neo_assets.documents.ordering.reader import ReaderError as ReaderError
