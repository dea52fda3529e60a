"""What the released code and the corrected rules keep differently, defect by defect, on a sample of the documents.

First each document of the sample gets both verdicts (`compare_profiles`), then they are counted (`profile_report`).
The released filters see documents as they come; the corrected rules see them normalised and annotated.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Kernel, Relation
from neo_assets.lake.records import KEPT
from neo_assets.plots import bar_chart
from neo_assets.text.released_rules import BUGS, bug_of

_Failures = list[tuple[str, str, str]]
BOTH, FAITHFUL, CORRECTED, NEITHER = "both", "only faithful", "only corrected", "neither"

_SAMPLE = """
SELECT {columns} FROM documents WHERE text IS NULL OR LENGTH(text) <= {max_chars}
ORDER BY MD5(doc_id), doc_id LIMIT {sample}
"""
_CHOSEN = "SELECT a.* FROM annotated AS a JOIN chosen AS c ON a.doc_id = c.doc_id ORDER BY a.doc_id"
# Documents that normalisation turned away never reach the corrected rules: its decision stands for theirs.
_COMPARED = """
SELECT f.doc_id, f.url, f.verdict AS faithful, f.reason AS faithful_reason,
       COALESCE(c.verdict, d.verdict, 'rejected') AS corrected,
       COALESCE(c.rule, d.rule) AS corrected_rule,
       COALESCE(c.reason, d.reason) AS corrected_reason,
       SUBSTRING(f.text, 1, {excerpt}) AS excerpt
FROM released AS f LEFT JOIN judged AS c ON f.doc_id = c.doc_id LEFT JOIN turned_away AS d ON f.doc_id = d.doc_id
ORDER BY f.doc_id
"""


def compare_profiles(
    engine: Engine,
    documents: Relation,
    turned_away: Relation,
    annotated: Relation,
    *,
    faithful: tuple[Kernel, ...],
    corrected: Kernel,
    sample_documents: int,
    max_chars: int,
    excerpt_chars: int = 300,
) -> Relation:
    """Both verdicts on a sample of one partition: a row for each document, all failing rules in the reasons.

    Args:
        documents: as they come (`doc_id, url, text, language, language_score`); or `annotated` itself where the
            released rules read signals that only the annotated table has (set A).
        turned_away: the decisions of normalisation.
        annotated: normalised documents with their signals.
        faithful: the kernels that measure and judge as released.
        corrected: the kernel that judges what is annotated.
        sample_documents: how many; those whose ids have the smallest MD5, so the same ones in every run.
        max_chars: longer documents are left out; the line quarantines them before anything is measured.
    """
    columns = "*" if documents is annotated else "doc_id, url, text, language, language_score"
    size = {"sample": sample_documents, "max_chars": max_chars}
    sample = engine.query(_SAMPLE.format(columns=columns, **size), documents=documents)
    chosen = engine.query(_SAMPLE.format(columns="doc_id", **size), documents=documents)
    return engine.query(
        _COMPARED.format(excerpt=excerpt_chars),
        released=engine.map(sample, *faithful),
        judged=engine.map(engine.query(_CHOSEN, annotated=annotated, chosen=chosen), corrected),
        turned_away=turned_away,
    )


@dataclass(frozen=True)
class ProfileReport:
    """Counts of documents.

    Attributes:
        bugs: a row for each defect: in how many documents one of its rules fails in one profile only (faithful ones
            are counted where the corrected rules were tried at all), and how many documents
            only one profile keeps because the other one's rule fails, among others or as the only defect.
        totals: documents by who keeps them.
        examples: a few documents of each defect that only one profile keeps, with the rules they fail in the other.
    """

    bugs: pa.Table
    totals: pa.Table
    examples: pa.Table

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The three tables, the defects as rows."""
        return {"rows": self.bugs, "totals": self.totals, "examples": self.examples}

    @property
    def metadata(self) -> dict[str, Any]:
        """The same as lists of rows."""
        tables = (("kept by", self.totals), ("defects", self.bugs), ("examples", self.examples))
        return {name: table.to_pylist() for name, table in tables}

    def plot(self) -> bytes:
        """Documents that only one profile keeps, a bar for each defect and profile, as PNG."""
        short = {bug.key: f"{bug.key}: {bug.short}" for bug in BUGS}
        rows = [
            {"defect": short[row["bug"]], "documents": row[_keeps(who)], "kept by": who}
            for row in self.bugs.to_pylist()
            for who in (FAITHFUL, CORRECTED)
        ]
        return bar_chart(pa.Table.from_pylist(rows), "defect", "documents", "kept by")


@dataclass
class _Tally:
    examples_per_bug: int
    kept_by: Counter[str] = field(default_factory=Counter)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[tuple[bool, str, dict[str, Any]]]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        faithful = _failures(row["faithful"], None, row["faithful_reason"])
        corrected = _failures(row["corrected"], row["corrected_rule"], row["corrected_reason"])
        if row["corrected"] == KEPT or _is_listed(row["corrected_reason"]):
            self._add_failures("fails_only_faithful", faithful, corrected)
        self._add_failures("fails_only_corrected", corrected, faithful)
        match row["faithful"] == KEPT, row["corrected"] == KEPT:
            case True, True:
                self.kept_by[BOTH] += 1
            case False, False:
                self.kept_by[NEITHER] += 1
            case True, False:
                self._add_difference(FAITHFUL, row, corrected)
            case False, True:
                self._add_difference(CORRECTED, row, faithful)

    def _add_failures(self, column: str, one: _Failures, other: _Failures) -> None:
        names = {name for _, name, _ in other}
        self.counts.update((bug, column) for bug in {bug for bug, name, _ in one if name not in names})

    def _add_difference(self, kept_by: str, row: Mapping[str, Any], failures: _Failures) -> None:
        self.kept_by[kept_by] += 1
        bugs = {bug for bug, _, _ in failures}
        column = _keeps(kept_by)
        for bug in bugs:
            self.counts[bug, column] += 1
            self.counts[bug, f"{column}_alone"] += len(bugs) == 1
            shown = {
                "bug": bug,
                "kept_by": kept_by,
                "doc_id": row["doc_id"],
                "url": row["url"],
                "fails": ", ".join(text for _, _, text in failures),
                "excerpt": row["excerpt"],
            }
            order = hashlib.md5(row["doc_id"].encode(), usedforsecurity=False).hexdigest()
            found = self.examples.setdefault((bug, kept_by), [])
            found.append((len(bugs) > 1, order, shown))
            found.sort(key=lambda entry: entry[:2])
            del found[self.examples_per_bug :]


_COUNTED = (
    "fails_only_faithful",
    "fails_only_corrected",
    "only_faithful_keeps",
    "only_faithful_keeps_alone",
    "only_corrected_keeps",
    "only_corrected_keeps_alone",
)
_BUG_SCHEMA = pa.schema([("bug", pa.string()), ("title", pa.string()), *((name, pa.int64()) for name in _COUNTED)])
_TOTAL_SCHEMA = pa.schema([("kept_by", pa.string()), ("documents", pa.int64()), ("share", pa.float64())])
_EXAMPLE_SCHEMA = pa.schema([(n, pa.string()) for n in ("bug", "kept_by", "doc_id", "url", "fails", "excerpt")])


def profile_report(compared: Iterable[pa.RecordBatch], examples_per_bug: int = 3) -> ProfileReport:
    """Counts what `compare_profiles` found, over all partitions. Memory: one batch."""
    tally = _Tally(examples_per_bug)
    for batch in compared:
        for row in batch.to_pylist():
            tally.add(row)
    bugs = [
        {"bug": bug.key, "title": bug.title, **{name: tally.counts[bug.key, name] for name in _COUNTED}} for bug in BUGS
    ]
    n_documents = sum(tally.kept_by.values())
    totals = [
        {"kept_by": who, "documents": tally.kept_by[who], "share": tally.kept_by[who] / max(n_documents, 1)}
        for who in (BOTH, FAITHFUL, CORRECTED, NEITHER)
    ]
    examples = [
        shown for bug in BUGS for who in (FAITHFUL, CORRECTED) for _, _, shown in tally.examples.get((bug.key, who), ())
    ]
    return ProfileReport(
        bugs=pa.Table.from_pylist(bugs, _BUG_SCHEMA),
        totals=pa.Table.from_pylist(totals, _TOTAL_SCHEMA),
        examples=pa.Table.from_pylist(examples, _EXAMPLE_SCHEMA),
    )


def _failures(verdict: str, rule: str | None, reason: str | None) -> _Failures:
    """(defect, rule, rule with value and bound as text) of each failing rule; none where the document is kept.

    A stage before the rules gives its reason in words and names one rule; its `language` is the label.
    """
    if verdict == KEPT:
        return []
    if not _is_listed(reason):
        name = {"language": "language_label"}.get(rule or "", rule or "exception")
        return [(bug_of("", name), name, name)]
    listed = json.loads(reason or "[]")
    return [(bug_of(found["number"], found["rule"]), found["rule"], _shown(found)) for found in listed]


def _is_listed(reason: str | None) -> bool:
    """Whether the reason lists rules, so that all of them were tried."""
    return reason is not None and reason.startswith("[{")


def _shown(found: Mapping[str, Any]) -> str:
    value, threshold = (f"{v:.3g}" if isinstance(v, float) else v for v in (found["value"], found["threshold"]))
    return f"{found['number']} {found['rule']} {value} ({threshold})".strip()


def _keeps(who: str) -> str:
    """The column that counts the documents which only this profile keeps."""
    return f"{who.replace(' ', '_')}_keeps"
