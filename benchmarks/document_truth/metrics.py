"""How well a system's output agrees with a document's truth, after OmniDocBench (Ouyang et al., 2024).

Texts are compared as `outputs.comparable` gives them. Tables, formulas, figures' inner text and footnotes do not
belong to the text (OmniDocBench judges or ignores them by themselves): what a system has of them is left out of its
text, wherever it stands. Running heads and page numbers that it has are errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from benchmarks.document_truth.leakage import leaked_characters
from benchmarks.document_truth.model import PROSE, TruthDocument
from benchmarks.document_truth.outputs import bare, comparable, taken_apart
from benchmarks.document_truth.parts_alone import formula_distances, table_scores
from benchmarks.document_truth.reading_order import best_place, order_score

PARAGRAPH = 0.9
MIN_PARAGRAPH = {"en": 60, "zh": 25}
"""Characters: shorter paragraphs are not judged as paragraphs."""
ASIDE = 90
"""Partial similarity, 0 to 100, from which on an output's line is of a table, a formula, a figure or a footnote."""
LONG_ASIDE = 20


class Scores(NamedTuple):
    """A document's measures; null where the document has nothing to be measured.

    `text`: 1 - edit distance of the whole texts / the longer one's length. `blocks`: mean over truth blocks of the
    similarity with the part of the output that is most like it, weighted by length. `order`: 1 - edit distance of
    the order of found blocks to the true order / the longer one's length; a block not found is missing in it, one
    found in two distant places stands in it twice. `paragraphs`: share of paragraphs that are one paragraph of the
    output with a similarity above 0.9. `leakage`: share of the characters of running heads and page numbers that are
    in the output. `formulas`: mean normalized edit distance of LaTeX, 1 where none is given. `tables` and
    `structure`: mean TEDS of the tables, 0 where none is given.
    """

    text: float
    blocks: float
    order: float
    paragraphs: float | None
    leakage: float | None
    formulas: float | None
    tables: float | None
    structure: float | None
    n_paragraphs: int
    n_running_characters: int
    n_formulas: int
    n_tables: int


def judged(markdown: str, truth: TruthDocument) -> Scores:
    """All measures of an output."""
    output = taken_apart(markdown)
    asides = [comparable(block.text) for block in truth.blocks if block.kind not in PROSE and block.text]
    prose = [block for block in truth.blocks if block.kind in PROSE]
    wanted = [comparable(block.text) for block in prose]
    found = [text for block in output.blocks if (text := _without_asides(block, asides, wanted))]
    whole = " ".join(found)
    paragraphs = [
        text for block, text in zip(prose, wanted, strict=True)
        if block.kind == "text" and len(text) >= MIN_PARAGRAPH[truth.language]
    ]  # fmt: skip
    tables = table_scores(output, [block for block in truth.blocks if block.kind == "table"])
    formulas = formula_distances(output, [block.latex for block in truth.blocks if block.kind == "equation"])
    leaked = leaked_characters(output, truth)
    n_running = sum(len(bare(one)) for page in truth.running for one in page)
    return Scores(
        text=Levenshtein.normalized_similarity(comparable(whole), comparable(" ".join(wanted))),
        blocks=_block_similarity(whole, wanted),
        order=order_score(found, wanted),
        paragraphs=_mean([float(_is_paragraph(one, found)) for one in paragraphs]),
        leakage=min(1.0, leaked / n_running) if n_running else None,
        formulas=_mean(formulas),
        tables=_mean([score for score, _ in tables]),
        structure=_mean([score for _, score in tables]),
        n_paragraphs=len(paragraphs), n_running_characters=n_running, n_formulas=len(formulas), n_tables=len(tables),
    )  # fmt: skip


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _without_asides(block: str, asides: Sequence[str], wanted: Sequence[str]) -> str:
    """A block without lines that are of tables, formulas, figures or footnotes, made comparable.

    Long ones are also cut out of a line that holds more than them.
    """
    kept = []
    for line in block.split("\n"):
        text = comparable(line)
        for aside in asides:
            if LONG_ASIDE <= len(aside) < len(text):
                found = fuzz.partial_ratio_alignment(aside, text, score_cutoff=ASIDE)
                if found and not any(_inside(aside, one, ASIDE) for one in wanted):
                    text = f"{text[: found.dest_start]} {text[found.dest_end :]}".strip()
        if not _is_aside(text, asides, wanted):
            kept.append(text)
    return comparable("\n".join(kept))


def _is_aside(line: str, asides: Sequence[str], wanted: Sequence[str]) -> bool:
    short = bare(line)
    if not short:
        return True
    cutoff = 99.9 if len(short) < 4 else ASIDE
    best = max((_inside(short, bare(one), cutoff) for one in asides), default=0.0)
    if not best:
        return False
    return all(_inside(short, bare(one), cutoff) < best for one in wanted) or any(short == bare(one) for one in asides)


def _inside(short: str, long: str, cutoff: float) -> float:
    """How much of `short` is one place of `long`, 0 to 100, 0 below the cutoff or where it is the longer one."""
    if len(short) > len(long) * 1.1:
        return 0.0
    return float(fuzz.partial_ratio(short, long, score_cutoff=cutoff))


def _block_similarity(whole: str, wanted: Sequence[str]) -> float:
    weight = sum(map(len, wanted)) or 1
    return sum(len(one) * best_place(one, whole)[0] for one in wanted) / weight


def _is_paragraph(text: str, found: Sequence[str]) -> bool:
    return any(Levenshtein.normalized_similarity(text, one, score_cutoff=PARAGRAPH) > PARAGRAPH for one in found)
