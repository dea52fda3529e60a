"""How well tables of known truth are read: TEDS and structure TEDS, clean and as simulated scans.

Lines of text are given to the reader (a) as they truly stand, which measures structure and matching alone, (b) as the
text layer of a PDF gives them, which is what a born-digital page gets, and (c) as PP-OCR reads them, which is what a
scanned page gets.

    python -m benchmarks.document_truth.tables --seed 1000 --count 24

Seeds below 1000 are for development; choose others to judge.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import mean
from time import process_time
from typing import Any, Literal, Protocol

import numpy as np

from benchmarks.document_truth.table_content import Language, Style, make_table
from benchmarks.document_truth.table_pictures import Picture, pictures, printed, scanned
from benchmarks.document_truth.teds import teds
from neo_assets.documents.model import Box, Line

LEAST = 24
"""Tables of a benchmark."""
Form = Literal["clean", "scan"]
Source = Literal["truth", "layer", "ocr"]
SOURCES: tuple[Source, ...] = ("truth", "layer", "ocr")


class Reader(Protocol):
    """What reads tables, such as `neo_assets.documents.tables.TableReader`."""

    def read(self, crop: Any, lines: Sequence[Line], scanned: bool) -> Any:
        """Something with `html`, or null."""


@dataclass(frozen=True, slots=True)
class TableScore:
    """One table, read once."""

    seed: int
    language: Language
    style: Style
    form: Form
    source: Source
    teds: float
    structure: float
    """TEDS without texts."""
    teds_rows: float
    """TEDS without thead and tbody, as OmniDocBench takes it."""
    seconds: float
    """CPU time of the table reader alone."""


def table_scores(
    reader: Reader,
    seed: int,
    count: int = LEAST,
    sources: Iterable[Source] = SOURCES,
    read_lines: Callable[[Any], Sequence[Line]] | None = None,
    n_rows: int | None = None,
) -> list[TableScore]:
    """The scores of `count` tables from a seed on: each clean and as a scan, with lines of each source.

    `n_rows` makes them all about so long.

    `read_lines` recognises the lines of a picture (pixels, RGB); PP-OCRv6 small where none is given.
    """
    tables = (make_table(number, n_rows) for number in range(seed, seed + count))
    drawn = pictures(tables, pdf="layer" in sources)
    return list(_scores(reader, drawn, tuple(sources), read_lines))


def summary(scores: Sequence[TableScore]) -> list[tuple[str, str, str, int, float, float, float, float]]:
    """Means by form, source and kind: form, source, kind, tables, TEDS, structure TEDS, TEDS of rows, seconds."""
    found = []
    kinds = ["all", *sorted({score.style for score in scores}), *sorted({score.language for score in scores})]
    for form in ("clean", "scan"):
        for source in SOURCES:
            for kind in kinds:
                own = [
                    one for one in scores
                    if (one.form, one.source) == (form, source) and kind in ("all", one.style, one.language)
                ]  # fmt: skip
                if own:
                    numbers = [mean(getattr(one, name) for one in own) for name in _NUMBERS]
                    found.append((form, source, kind, len(own), *numbers))
    return found


_NUMBERS = ("teds", "structure", "teds_rows", "seconds")


def ocr_lines(pixels: Any) -> list[Line]:
    """The lines that PP-OCRv6 small reads in a picture, with boxes in its pixels."""
    found = _ocr().predict(np.ascontiguousarray(pixels[:, :, ::-1]))[0]
    return [
        Line(str(text), Box(*map(float, box)), float(score))
        for text, score, box in zip(found["rec_texts"], found["rec_scores"], found["rec_boxes"], strict=True)
        if text.strip() and score >= 0.5
    ]


def _scores(
    reader: Reader,
    drawn: Iterable[Picture],
    sources: tuple[Source, ...],
    read_lines: Callable[[Any], Sequence[Line]] | None,
) -> Iterator[TableScore]:
    for picture in drawn:
        for form, source, shown in _shown(picture, sources, read_lines or ocr_lines):
            pixels = shown.pixels
            before = process_time()
            found = reader.read(pixels, shown.lines, form == "scan")
            seconds = process_time() - before
            html, truth = found.html if found else "", picture.table.html
            yield TableScore(
                picture.table.seed, picture.table.language, picture.table.style, form, source,
                teds(html, truth), teds(html, truth, True), teds(html, truth, sections=False), seconds,
            )  # fmt: skip


def _shown(
    picture: Picture, sources: tuple[Source, ...], read_lines: Callable[[Any], Sequence[Line]]
) -> Iterator[tuple[Form, Source, Picture]]:
    """What a reader is given: a table in each form with the lines of each source; scans have no text layer."""
    forms: tuple[tuple[Form, Picture], ...] = (("clean", picture), ("scan", scanned(picture)))
    for form, one in forms:
        for source in sources:
            if source == "ocr":
                yield form, source, replace(one, lines=tuple(read_lines(one.pixels)))
            elif source == "truth":
                yield form, source, one
            elif form == "clean":
                yield form, source, printed(picture)


@lru_cache(maxsize=1)
def _ocr() -> Any:
    from neo_assets.documents.models import model_folder
    from neo_assets.documents.models.engine import options, paddle_name, paddleocr

    detection, recognition = model_folder("ppocr_v6_small_det"), model_folder("ppocr_v6_small_rec")
    return paddleocr().PaddleOCR(
        text_detection_model_name=paddle_name(detection),
        text_detection_model_dir=str(detection),
        text_recognition_model_name=paddle_name(recognition),
        text_recognition_model_dir=str(recognition),
        text_recognition_batch_size=1,
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
        **options(detection),
    )


def main() -> None:
    """Prints the scores of the tables of some seeds."""
    from neo_assets.documents.tables import TableReader
    from neo_assets.recipe.documents import TableSettings

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True, help="first seed; those below 1000 are for development")
    parser.add_argument("--count", type=int, default=LEAST)
    parser.add_argument("--rows", type=int, help="of each table; as the seed has it where left out")
    parser.add_argument("--source", choices=SOURCES, action="append")
    parser.add_argument("--each", action="store_true", help="also each table that is not read perfectly")
    chosen = parser.parse_args()
    reader, sources = TableReader(TableSettings()), chosen.source or SOURCES
    scores = table_scores(reader, chosen.seed, chosen.count, sources, n_rows=chosen.rows)
    if chosen.each:
        for score in scores:
            if score.teds < 1:
                print(replace(score, seconds=round(score.seconds, 2)))
    for form, source, kind, n, *numbers in summary(scores):
        print(f"{form:6}{source:6}{kind:11}{n:4}  " + "  ".join(f"{number:.4f}" for number in numbers))


if __name__ == "__main__":
    main()
