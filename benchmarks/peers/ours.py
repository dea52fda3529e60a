"""neo-assets: all signals and the verdict of every rule, in batches as the pipeline runs them.

Timed, the whole corpus is streamed. Beside the protocol's answer there are the memory
after a quarter of the documents, and the speeds of the parts alone: cutting Chinese words, and normalisation.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.peers.our_models import reference_models, url_lists
from benchmarks.peers.protocol import Language, Record, peak_mib, pin_to_one_core, read, report
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets.recipe.limits import ChineseRules, RuleSets
from neo_assets.recipe.sources import SourceSettings
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.badwords import read_terms
from neo_assets.text.chinese import AnnotateChinese
from neo_assets.text.english import AnnotateEnglish
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.normalise import NormaliseChinese, NormaliseEnglish
from neo_assets.text.rules import chinese_rules, english_rules
from neo_assets.text.units import segment

DOCUMENTS_AT_ONCE = 512
SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("url", pa.string()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float64()),
    ]
)


@lru_cache(maxsize=4)
def kernels(language: Language, with_models: bool) -> tuple[Any, Any, Any]:
    """The stages of a line with the published limits: normalise, annotate, judge.

    Without models the signals that need one are null, as in a recipe without reference sets.
    """
    lists = SEED_FOLDER / "lists"
    more: dict[str, Any] = {"urls": url_lists(), "models": reference_models(language) if with_models else None}
    if language == "english":
        crawl = SourceSettings(kind="crawl", licence="as each page states")
        return (
            NormaliseEnglish(),
            AnnotateEnglish(read_terms(lists / "stopwords.en.json"), read_terms(lists / "ldnoobw.en.json"), **more),
            JudgeByRules(english_rules(crawl, RuleSets())),
        )
    return (
        NormaliseChinese(),
        AnnotateChinese(read_terms(lists / "stopwords.zh.json"), read_terms(lists / "ldnoobw.zh.json"), **more),
        JudgeByRules(chinese_rules(ChineseRules())),
    )


def batches(file: Path, language: Language, at_most: int | None = None) -> Iterator[pa.RecordBatch]:
    """The records of a JSONL file as batches; those that do not say their language get the corpus's."""
    records = read(file, at_most)
    while some := list(islice(records, DOCUMENTS_AT_ONCE)):
        yield batch_of(some, language)


def batch_of(records: list[Record], language: Language) -> pa.RecordBatch:
    """Records as a batch."""
    code = "en" if language == "english" else "zh"
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": [record["id"] for record in records],
            "url": [
                record.get("url") or f"https://{record['id'].replace(':', '-')}.example.org/" for record in records
            ],
            "text": [record["text"] for record in records],
            "language": [record.get("language", code) for record in records],
            "language_score": [record.get("language_score", 0.99) for record in records],
        },
        SCHEMA,
    )


def reasons(records: list[Record], language: Language) -> dict[str, list[str]]:
    """The rules that each record fails, by id; none for a record that is kept."""
    normalise, annotate, judge = kernels(language, with_models=False)
    normalised = normalise(batch_of(records, language))
    kept = pa.array([verdict == "kept" for verdict in normalised["verdict"].to_pylist()], pa.bool_())
    found = {row["doc_id"]: [row["rule"]] for row in normalised.filter(pa.compute.invert(kept)).to_pylist()}
    for row in judge(annotate(normalised.filter(kept).select(SCHEMA.names))).to_pylist():
        failing = json.loads(row["reason"]) if row["verdict"] == "rejected" else []
        found[row["doc_id"]] = [one["rule"] for one in failing]
        if row["verdict"] == "quarantined":
            found[row["doc_id"]] = ["quarantined"]
    return found


def timed(file: Path, language: Language, n_documents: int, with_models: bool) -> dict[str, Any]:
    """Annotates and judges the whole corpus."""
    normalise, annotate, judge = kernels(language, with_models)
    judge(annotate(next(batches(file, language, 8))))  # compiles, and reads lists and dictionaries
    seconds = 0.0
    documents = characters = kept = 0
    early: float | None = None
    for batch in batches(file, language):
        start = time.process_time()
        judged = judge(annotate(batch))
        seconds += time.process_time() - start
        documents += batch.num_rows
        characters += sum(map(len, batch["text"].to_pylist()))
        kept += judged["verdict"].to_pylist().count("kept")
        if early is None and documents >= n_documents / 4:
            early = peak_mib()
    signals = [name for name in judged.schema.names if name not in SCHEMA.names and not_a_verdict(name)]
    found = report(documents, characters, seconds, kept, quarter_mib=early, signals=len(signals))
    found["without_value"] = [name for name in signals if judged[name].null_count == judged.num_rows]
    sample = next(batches(file, language, 2_000))
    found["parts"] = {"normalisation": _speed(sample, lambda: normalise(sample))}
    if language == "chinese":
        texts = sample["text"].to_pylist()
        found["parts"]["segmentation"] = _speed(sample, lambda: [segment(text) for text in texts])
    return found


def not_a_verdict(name: str) -> bool:
    """Whether the column is not one of those that hold a verdict."""
    return name not in {field.name for field in VERDICT_COLUMNS}


def _speed(batch: pa.RecordBatch, run: Any) -> float:
    """Characters a second of a part alone, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return float(sum(map(len, batch["text"].to_pylist())) / max(best, 1e-9))


def main() -> None:
    """Runs from the command line, with the arguments of the other adapters and the corpus's number of documents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--language", choices=("english", "chinese"), required=True)
    parser.add_argument("--documents", type=int, default=0, help="documents of the corpus, to know a quarter of it")
    parser.add_argument("--without-models", action="store_true")
    parser.add_argument("--verdicts", action="store_true")
    chosen = parser.parse_args()
    pin_to_one_core()
    if chosen.verdicts:
        for identity, failing in reasons(list(read(chosen.input)), chosen.language).items():
            print(json.dumps({"id": identity, "reason": ", ".join(failing)}, ensure_ascii=False))
    else:
        print(json.dumps(timed(chosen.input, chosen.language, chosen.documents, not chosen.without_models)))


if __name__ == "__main__":
    main()
