"""What systems reached, by kind of documents, as tables; and whether our targets are met."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.document_truth.metrics import Scores, judged
from benchmarks.document_truth.model import TruthDocument
from benchmarks.document_truth.systems import FAST, OURS, Found, Sent
from benchmarks.report import Table

COLUMNS = (
    "system", "text", "zh", "en", "order", "paragraphs", "leakage", "formulas", "TEDS", "structure", "CPU s/page",
    "times ours", "failed",
)  # fmt: skip
STAGES = ("pages", "layout", "elements", "ordered", "markdown")
WEIGHTS = {
    "paragraphs": "n_paragraphs", "leakage": "n_running_characters", "formulas": "n_formulas", "tables": "n_tables",
    "structure": "n_tables",
}  # fmt: skip
LINES = 45
"""On the page on which OCR is timed."""
FIRST_HELD_OUT = 1000
"""Lower seed numbers are for development."""


class Result(NamedTuple):
    """What a mode reached on a kind of documents: the scores of all, seconds of those on which it did not fail."""

    mode: str
    kind: str
    scores: dict[str, Scores]
    seconds_a_page: float
    stages: Mapping[str, float] = {}
    """Seconds a page by stage."""
    errors: Mapping[str, str] = {}
    """By the document's id."""

    def mean(self, name: str, language: str = "") -> float | None:
        """The mean of a measure: over documents, or over the paragraphs, characters, formulas, tables measured."""
        weight = WEIGHTS.get(name)
        chosen = [scores for identity, scores in self.scores.items() if identity.startswith(language)]
        pairs = [(getattr(one, name), getattr(one, weight) if weight else 1) for one in chosen]
        total = sum(number for value, number in pairs if value is not None)
        return sum(value * number for value, number in pairs if value is not None) / total if total else None


Known = Mapping[tuple[str, str], Result]
"""Results by mode and kind."""


class Target(NamedTuple):
    """A number to be reached; `sign` is of the value and it."""

    title: str
    sign: str
    value: float
    measure: Callable[[Known], float | None]


def _mean(kind: str, name: str) -> Callable[[Known], float | None]:
    return lambda known: known[OURS.mode, kind].mean(name) if (OURS.mode, kind) in known else None


def _seconds(mode: str, kind: str) -> Callable[[Known], float | None]:
    return lambda known: known[mode, kind].seconds_a_page if (mode, kind) in known else None


SIGNS: dict[str, Callable[[float, float], bool]] = {"≥": operator.ge, "≤": operator.le, "<": operator.lt}
TARGETS = (
    Target("text, clean", "≥", 0.97, _mean("clean", "text")),
    Target("order, clean", "≥", 0.99, _mean("clean", "order")),
    Target("paragraphs, clean", "≥", 0.90, _mean("clean", "paragraphs")),
    Target("text, scan", "≥", 0.96, _mean("scan", "text")),
    Target("order, scan", "≥", 0.99, _mean("scan", "order")),
    Target("paragraphs, scan", "≥", 0.85, _mean("scan", "paragraphs")),
    Target("TEDS of the pages' tables, clean", "≥", 0.97, _mean("clean", "tables")),
    Target("TEDS of the pages' tables, scan", "≥", 0.97, _mean("scan", "tables")),
    Target("leakage, clean", "<", 0.01, _mean("clean", "leakage")),
    Target("leakage, scan", "<", 0.01, _mean("scan", "leakage")),
    Target("CPU s a page, clean", "<", 0.3, _seconds(OURS.mode, "clean")),
    Target(f"CPU s a scanned page of {LINES} lines, fast", "≤", 2.5, _seconds(FAST.mode, "lines")),
)


def results_of(found: Iterable[Found], documents: Sequence[Sent], truths: Mapping[str, TruthDocument]) -> list[Result]:
    """The scores and speed of every mode that was given all these documents of a kind. A failure has no text."""
    sent = {document.id: document for document in documents}
    grouped: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        if one.id in sent:
            grouped.setdefault((one.mode, sent[one.id].kind), []).append(one)
    results = []
    for (mode, kind), some in grouped.items():
        if {one.id for one in some} < {document.id for document in documents if document.kind == kind}:
            continue
        known = {one.id: truths.get(one.id.removesuffix(".scan")) for one in some}
        scores = {one.id: _judged(one.text, truth) for one in some if (truth := known[one.id]) is not None}
        timed = [one for one in some if not one.error]
        pages = sum(sent[one.id].n_pages for one in timed) or 1
        stages = {
            stage: sum(one.stages[stage] for one in timed) / pages
            for stage in STAGES if timed and all(stage in one.stages for one in timed)
        }  # fmt: skip
        errors = {one.id: one.error for one in some if one.error}
        results.append(Result(mode, kind, scores, sum(one.seconds for one in timed) / pages, stages, errors))
    return results


@functools.lru_cache(maxsize=1024)
def _judged(text: str, truth: TruthDocument) -> Scores:
    return judged(text, truth)  # tables of all documents and of half of them ask twice


def quality(results: Sequence[Result], kind: str, title: str, notes: str = "") -> Table:
    """A row a mode, the best text first."""
    rows, own = [], next((one.seconds_a_page for one in results if (one.mode, one.kind) == (OURS.mode, kind)), None)
    failures = []
    for result in results:
        if result.kind == kind and result.scores:
            means = [result.mean("text"), result.mean("text", "zh"), result.mean("text", "en")]
            means += [
                result.mean(name) for name in ("order", "paragraphs", "leakage", "formulas", "tables", "structure")
            ]
            cells = ["" if mean is None else f"{mean:.3f}" for mean in means]
            ratio = f"{result.seconds_a_page / own:.2g}x" if own and result.mode != OURS.mode else ""
            failed = f"{len(result.errors)} of {len(result.scores)}" if result.errors else ""
            rows.append((result.mode, *cells, f"{result.seconds_a_page:.2f}", ratio, failed))
            failures += [f"- {result.mode} failed on {identity}: {said}" for identity, said in result.errors.items()]
    said = "\n".join([notes, *failures] if notes else failures)
    return Table(title, COLUMNS, sorted(rows, key=lambda row: -float(row[1])), said)


def details(results: Sequence[Result], mode: str) -> Table:
    """One mode by document."""
    rows = []
    for result in results:
        if result.mode == mode:
            for identity, scores in result.scores.items():
                cells = (scores.text, scores.order, scores.paragraphs, scores.leakage, scores.formulas, scores.tables)
                rows.append((identity, *("" if cell is None else f"{cell:.3f}" for cell in cells)))
    columns = ("document", "text", "order", "paragraphs", "leakage", "formulas", "TEDS")
    return Table(f"{mode} by document", columns, rows)


def stages(results: Sequence[Result]) -> Table:
    """Where our processor time goes."""
    rows = [
        (result.mode, result.kind, *(f"{result.stages.get(stage, 0):.3f}" for stage in STAGES),
         f"{result.seconds_a_page:.3f}")
        for result in results if result.stages
    ]  # fmt: skip
    notes = f"lines: scanned pages of {LINES} full lines, one a language."
    return Table("Ours by stage, CPU seconds a page", ("system", "documents", *STAGES, "all"), rows, notes)


def targets(results: Sequence[Result], seed: int, teds: Mapping[str, float] | None = None) -> Table:
    """What was to be reached, and whether it was; `teds` is of the tables alone, clean and scan."""
    known = {(result.mode, result.kind): result for result in results}
    measured = [(one.title, one.measure(known), one.sign, one.value) for one in TARGETS]
    measured += [(f"TEDS of tables alone, {name}", value, "≥", 0.97) for name, value in (teds or {}).items()]
    rows = []
    for title, value, sign, wanted in measured:
        if value is None:
            rows.append((title, "", f"{sign} {wanted:g}", "not measured"))
        else:
            met = "met" if SIGNS[sign](value, wanted) else "**missed**"
            rows.append((title, f"{value:.4f}", f"{sign} {wanted:g}", met))
    return Table(f"Targets, {standing(seed)}", ("measure", "value", "target", ""), rows, said_of(seed))


def standing(seed: int) -> str:
    """What a result of the seed number counts as."""
    return "development pages" if seed < FIRST_HELD_OUT else "held-out pages"


def said_of(seed: int) -> str:
    """The same as a sentence."""
    if seed < FIRST_HELD_OUT:
        return f"Seed number {seed} is for development: the rules were made with such pages in view. Not a result."
    return f"Seed number {seed} is held out: no page made from it was looked at while the rules were made."
