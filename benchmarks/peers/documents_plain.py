"""Programs that read the text layer of PDFs: opendataloader-pdf (Markdown), pdfminer.six and pypdfium2 (text)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers.documents_protocol import Converter, Document, serve


def opendataloader(models: Mapping[str, str]) -> Converter:
    """Its Markdown, one Java process a document."""
    import opendataloader_pdf

    if shutil.which("java") is None:
        raise SystemExit("opendataloader-pdf needs Java")

    def convert(document: Document) -> str:
        with tempfile.TemporaryDirectory() as folder:
            opendataloader_pdf.convert(
                document.path, output_dir=folder, format="markdown", quiet=True, image_output="off"
            )
            [file] = Path(folder).rglob("*.md")
            return file.read_text(encoding="utf-8")

    return convert


def pdfminer(models: Mapping[str, str]) -> Converter:
    """Its text by its default layout analysis."""
    from pdfminer.high_level import extract_text

    return lambda document: str(extract_text(document.path)).replace("\x0c", "\n\n")


def pdfium(models: Mapping[str, str]) -> Converter:
    """The text in the order of the file; a page is a block."""
    import pypdfium2

    def convert(document: Document) -> str:
        opened = pypdfium2.PdfDocument(document.path)
        try:
            pages = [page.get_textpage().get_text_range() for page in opened]
        finally:
            opened.close()
        return "\n\n".join(pages).replace("\ufffe", "-").replace("\x02", "-")

    return convert


if __name__ == "__main__":
    serve({"opendataloader-pdf": opendataloader, "pdfminer.six": pdfminer, "pypdfium2": pdfium})
