"""Formulas and tables of an output beside the true ones, matched in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from benchmarks.document_truth.model import TruthBlock
from benchmarks.document_truth.outputs import Output
from benchmarks.document_truth.teds import teds


def formula_distances(output: Output, wanted: Sequence[str]) -> list[float]:
    """Of each true formula, the normalized edit distance to its partner among the output's, matched in order."""
    found, truths = [_latex(one) for one in output.formulas], [_latex(one) for one in wanted]
    pairs = _aligned([[Levenshtein.normalized_similarity(one, other) for other in found] for one in truths])
    return [
        1.0 if partner is None else Levenshtein.normalized_distance(truths[number], found[partner])
        for number, partner in enumerate(pairs)
    ]


def _latex(formula: str) -> str:
    """Without what does not show: blanks, numbers, sizes of brackets, braces around one character."""
    formula = re.sub(
        r"\\tag\s*\{[^}]*\}|\\(?:left|right|displaystyle|limits|,|;|!|quad|qquad|mathrm|mathit|text|operatorname)(?![A-Za-z])",
        "",
        formula,
    )
    formula = re.sub(
        r"\s+",
        "",
        formula.replace(r"\le ", r"\leq ").replace(r"\ge ", r"\geq ").replace(r"\vert", "|").replace(r"\mid", "|"),
    )
    return re.sub(r"\{([^{}\\])\}", r"\1", formula)


def table_scores(output: Output, wanted: Sequence[TruthBlock]) -> list[tuple[float, float]]:
    """(TEDS, TEDS of the structure) of each true table with its partner among the output's, matched in order."""
    scores = [[teds(found, block.html, sections=False) for found in output.tables] for block in wanted]
    pairs = _aligned(scores)
    found: list[tuple[float, float]] = []
    for number, partner in enumerate(pairs):
        if partner is None:
            found.append((0.0, 0.0))
        else:
            structure = teds(output.tables[partner], wanted[number].html, structure_only=True, sections=False)
            found.append((scores[number][partner], structure))
    return found


def _aligned(scores: Sequence[Sequence[float]]) -> list[int | None]:
    """Of each row its column, so that the sum of scores is greatest and the order is kept."""
    n_rows, n_columns = len(scores), len(scores[0]) if scores else 0
    best = [[0.0] * (n_columns + 1) for _ in range(n_rows + 1)]
    for row in range(n_rows - 1, -1, -1):
        for column in range(n_columns - 1, -1, -1):
            both = scores[row][column] + best[row + 1][column + 1]
            best[row][column] = max(both, best[row + 1][column], best[row][column + 1])
    pairs: list[int | None] = [None] * n_rows
    row = column = 0
    while row < n_rows and column < n_columns:
        if best[row][column] == best[row + 1][column]:
            row += 1
        elif best[row][column] == best[row][column + 1]:
            column += 1
        else:
            pairs[row] = column
            row, column = row + 1, column + 1
    return pairs
