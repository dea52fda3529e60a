"""Real documents of the seed, and settings of a small tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from neo_assets.lake.records import document_id
from neo_assets.recipe.tokenizer import SamplingSettings, TokenizerSection

SEED_TEXT = Path(__file__).parents[2] / "neo_assets" / "seed" / "text"
SAMPLING = SamplingSettings(total_characters=10**9)
SUBSETS = ("novel_en", "novel_zh", "law_zh", "poem_zh")
SMALL = TokenizerSection(sampling=SAMPLING, vocab_size=2400, character_coverage=0.98, add_dummy_prefix=False)


def seed_documents(characters_per_document: int = 4000) -> pa.Table:
    """The seed's texts cut into documents, with a subset each: novel_en, novel_zh, law_zh, poem_zh."""
    rows = []
    for name, subset in (("prideprejudice.en", "novel_en"), ("sanguo.zh", "novel_zh"), ("nahan.zh", "novel_zh")):
        text = (SEED_TEXT / f"{name}.txt").read_text(encoding="utf-8")
        for start in range(0, len(text), characters_per_document):
            rows.append((name, str(start), subset, text[start : start + characters_per_document]))
    for name, subset in (("laws.zh", "law_zh"), ("poems.zh-Hant", "poem_zh")):
        for number, line in enumerate((SEED_TEXT / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()):
            rows.append((name, str(number), subset, json.loads(line)["text"]))
    table = pa.table(
        {
            "doc_id": [document_id(name, record) for name, record, _, _ in rows],
            "url": [f"http://{subset}.test/{name}/{record}" for name, record, subset, _ in rows],
            "subset": [subset for _, _, subset, _ in rows],
            "text": [text for _, _, _, text in rows],
        }
    )
    return table.sort_by("doc_id")
