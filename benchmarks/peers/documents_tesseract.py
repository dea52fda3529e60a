"""tesseract with automatic page segmentation, Chinese and English, on pages rendered at 200 pixels an inch."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Mapping

from benchmarks.peers.documents_protocol import Converter, Document, serve

DPI = 200


def tesseract(models: Mapping[str, str]) -> Converter:
    """Its text, one process a page, one thread."""
    import pypdfium2

    program = shutil.which("tesseract")
    if program is None:
        raise SystemExit("apt-get install tesseract-ocr tesseract-ocr-chi-sim")
    command = [program, "stdin", "stdout", "--psm", "3", "-l", "chi_sim+eng", "--dpi", str(DPI)]

    def convert(document: Document) -> str:
        opened = pypdfium2.PdfDocument(document.path)
        texts = []
        for page in opened:
            picture = io.BytesIO()
            page.render(scale=DPI / 72).to_pil().convert("L").save(picture, "PNG")
            done = subprocess.run(
                command,
                input=picture.getvalue(),
                capture_output=True,
                check=True,
                env=os.environ | {"OMP_THREAD_LIMIT": "1"},
            )
            texts.append(done.stdout.decode("utf-8").replace("\x0c", ""))
        opened.close()
        return "\n\n".join(texts)

    return convert


if __name__ == "__main__":
    serve({"tesseract": tesseract})
