"""Changes the order in which a PDF's text is written, so that the order of the file is not that of reading.

Chromium writes text in reading order, which flatters programs that take it as it comes.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from benchmarks.document_truth.model import Mutation

SAME_ROW = 3.0
"""Points between base lines that are one row of the page."""


def reorder(file: Path, mutation: Mutation, seed: int) -> None:
    """Writes the lines of every page anew: across columns, row by row (rows), or by chance (shuffled)."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    chance = random.Random(f"{seed} {file.stem} order")
    document = pypdfium2.PdfDocument(file.read_bytes())
    try:
        for page in document:
            texts = [one for one in page.get_objects(max_depth=1) if one.type == pdfium.FPDF_PAGEOBJ_TEXT]
            lines = _lines([(one.get_matrix().f, one.get_matrix().e, one) for one in texts])
            if mutation == "rows":
                lines.sort(key=lambda line: (-round(line[0][0] / SAME_ROW), line[0][1]))
            else:
                chance.shuffle(lines)
            for one in texts:
                page.remove_obj(one)
            for line in lines:
                for _, _, one in line:
                    page.insert_obj(one)
            page.gen_content()
        document.save(str(file))
    finally:
        document.close()


def _lines(texts: list[tuple[float, float, Any]]) -> list[list[tuple[float, float, Any]]]:
    """Objects that follow each other on a base line, from left to right."""
    found: list[list[tuple[float, float, Any]]] = []
    for text in texts:
        if found and abs(found[-1][-1][0] - text[0]) < 1 and found[-1][-1][1] < text[1]:
            found[-1].append(text)
        else:
            found.append([text])
    return found
