"""Files of documents: which there are, what they are, and their pages as pictures with a text layer.

Files are foreign. They are read in child processes with limits (`sandbox`), whose messages are data, never code.
"""

from neo_assets.documents.files.examine import FileFacts, examine
from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.render import PageFault, pages_of, render_pages

__all__ = ["DocumentError", "FileFacts", "PageFault", "examine", "pages_of", "render_pages"]
