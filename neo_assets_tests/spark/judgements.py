"""Every method of deduplication over a small corpus, stage by stage, on any engine."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.dedup.bloom import build_filter
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.judge_exact import FILTER_FILE, judge_exact, judge_exact_filtered
from neo_assets.dedup.judge_near import band_index, candidate_pairs, judge_near
from neo_assets.dedup.judge_paragraphs import judge_paragraphs, paragraph_index
from neo_assets.dedup.judge_substrings import anchor_index, judge_substrings, window_index
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.similar_line import SimilarLines
from neo_assets.dedup.survivors import Precedence
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation, rows_judged
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.dedup import (
    BloomSettings,
    NearSettings,
    ParagraphSettings,
    SimilarLineSettings,
    SubstringSettings,
    SurvivorSettings,
)
from neo_assets_tests.dedup.relations import measured_pairs

SOURCES = ("books", "crawl", "web")
N_DOCUMENTS = 260
CHAIN = 150
NEAR = NearSettings(normalisation="none", shingle_chars=5, num_permutations=64, bands=16, rows=4, threshold=0.7)
UNVERIFIED = NEAR.model_copy(update={"verify": "nothing", "rows": 3, "partners_per_bucket": 2})
NEAR_VARIANTS = {
    "earlier": NEAR,
    "components": NEAR.model_copy(update={"rule": "components"}),
    "unverified": UNVERIFIED,
    "unverified components": UNVERIFIED.model_copy(update={"rule": "components"}),
}
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("doc_id", "url", "text")),
        ("n_words", pa.int64()),
        ("quality", pa.float64()),
        ("is_good", pa.bool_()),
        ("lines", pa.list_(pa.float32())),
        ("spans", pa.list_(pa.struct([("start", pa.int32()), ("kind", pa.string())]))),
    ]
)
ODD_WORDS = ["naïve", "e\u0301te\u0301", "東京", "大学。", "🦆", "it's", '"b"', "\\n", "50%", "\t", "\u2028"]


def chain() -> pa.Table:
    """Pairs that link a long row of documents, in an order that says nothing: more than a few rounds of work."""
    names = [f"chain/chain:{number:04}" for number in range(CHAIN)]
    random.Random(3).shuffle(names)
    links = [sorted(pair, reverse=True) for pair in itertools.pairwise(names)]
    return measured_pairs([(node, other, 0, 0.9) for node, other in links])


class Line:
    """A lake in which the stages are built one after the other, for all sources."""

    def __init__(self, folder: Path, engine: Engine, sources: Sequence[str] = SOURCES) -> None:
        self.lake, self.engine, self.sources = Lake(str(folder)), engine, sources

    def commit(self, asset: str, source: str, relation: Relation) -> Dataset:
        writer = self.lake.writer(asset, source)
        if writer.rows_in is None:
            writer.rows_in = rows_judged(relation)
        return writer.commit(Provenance(), self.engine.write(relation, writer, "rows"))

    def whole(self, asset: str) -> Dataset:
        return self.lake.whole(asset)

    def digests(self) -> dict[str, str]:
        """Of every table of every partition."""
        found = {asset: self.lake.whole(asset).manifests for asset in self.lake.assets()}
        return {
            f"{asset} {manifest.partition} {name}": table.digest
            for asset, manifests in found.items()
            for manifest in manifests
            for name, table in manifest.tables.items()
        }

    def bytes_of_parts(self) -> dict[str, list[str]]:
        """SHA-256 of every part of every partition, in order."""
        found = {asset: self.lake.whole(asset).manifests for asset in self.lake.assets()}
        return {
            f"{asset} {manifest.partition} {name}": [part.sha256 for part in table.parts]
            for asset, manifests in found.items()
            for manifest in manifests
            for name, table in manifest.tables.items()
        }

    def start(self, policy: SurvivorSettings, n_documents: int = N_DOCUMENTS) -> None:
        for source, documents in corpus(n_documents, self.sources).items():
            self.commit("line/filtered", source, self.engine.map(documents, TextDigests(), Precedence(policy)))

    def exact(self) -> None:
        for source in self.sources:
            self.commit("line/exact", source, judge_exact(self.engine, self.whole("line/filtered"), source))

    def near(self, name: str, settings: NearSettings) -> None:
        """Every source sees all others."""
        self._indexed(name, settings)
        for source in self.sources:
            self._paired(name, source, self.sources, settings)
        if settings.rule == "components":
            self.commit(f"near/pairs {name}", "chain", chain())
        for source in self.sources:
            self._judged(name, source, None, settings)

    def components(self, name: str, settings: NearSettings) -> None:
        """The last source judged by the components of the pairs found under another name, and of a long chain."""
        self.commit(f"near/pairs {name}", "chain", chain())
        last = self.sources[-1]
        pairs, documents = self.whole(f"near/pairs {name}"), self.whole("line/exact").partition(last)
        self.commit("near/by components", last, judge_near(self.engine, documents, pairs, last, settings))

    def near_day_by_day(self, name: str, settings: NearSettings) -> None:
        """Every source sees those before it, and is judged before the next one is there."""
        for day, source in enumerate(self.sources, start=1):
            self._indexed(name, settings, [source])
            self._paired(name, source, self.sources[:day], settings)
            self._judged(name, source, self.sources[:day], settings)

    def _indexed(self, name: str, settings: NearSettings, sources: Iterable[str] = ()) -> None:
        for source in sources or self.sources:
            entered = self.whole("line/exact").partition(source)
            signatures = self.commit(f"near/signatures {name}", source, self.engine.map(entered, Signatures(settings)))
            self.commit(f"near/bands {name}", source, band_index(self.engine, signatures, settings))

    def _paired(self, name: str, source: str, seen: Sequence[str], settings: NearSettings) -> None:
        documents, bands = (self.lake.dataset(asset, seen) for asset in ("line/exact", f"near/bands {name}"))
        self.commit(f"near/pairs {name}", source, candidate_pairs(self.engine, documents, bands, source, settings))

    def _judged(self, name: str, source: str, seen: Sequence[str] | None, settings: NearSettings) -> None:
        pairs = self.lake.dataset(f"near/pairs {name}", seen) if seen else self.whole(f"near/pairs {name}")
        judged = judge_near(self.engine, self.whole("line/exact").partition(source), pairs, source, settings)
        self.commit(f"near/{name}", source, judged)

    def paragraphs(self, after: str) -> None:
        engine, settings = self.engine, ParagraphSettings()
        documents = {source: self.whole(after).partition(source) for source in self.sources}
        for source in self.sources:
            self.commit("line/paragraphs", source, paragraph_index(engine, documents[source], settings))
        for source in self.sources:
            found = judge_paragraphs(engine, documents[source], self.whole("line/paragraphs"), source, settings)
            self.commit("line/cut", source, found)

    def substrings(self) -> None:
        engine, settings = self.engine, SubstringSettings()
        documents = {source: self.whole("line/cut").partition(source) for source in self.sources}
        for source in self.sources:
            self.commit("line/anchors", source, anchor_index(engine, documents[source], settings))
        anchors = self.whole("line/anchors")
        for source in self.sources:
            self.commit("line/windows", source, window_index(engine, documents[source], anchors, source, settings))
        windows = self.whole("line/windows")
        for source in self.sources:
            found = judge_substrings(engine, documents[source], anchors.partition(source), windows, settings)
            self.commit("line/substrings", source, found)

    def filtered_by_bloom(self, folder: Path) -> None:
        """The last source against those before; their filters are too small, so that they err."""
        filtered = self.whole("line/filtered")
        filters = []
        for source in self.sources[:-1]:
            before = filtered.partition(source)
            made = build_filter((batch["text_digest"] for batch in before.batches(["text_digest"])), before.rows, 0.3)
            filters.append(folder / f"{source}.{FILTER_FILE}")
            filters[-1].write_bytes(made.to_bytes())
        for confirm in (True, False):
            settings = BloomSettings(confirm=confirm)
            found = judge_exact_filtered(
                self.engine, filtered, [str(path) for path in filters], self.sources[-1], settings
            )
            self.commit(f"line/bloom {confirm}", self.sources[-1], found)

    def similar_lines(self, after: str) -> None:
        for source in self.sources:
            kernel = SimilarLines(SimilarLineSettings())
            self.commit("line/similar", source, self.engine.map(self.whole(after).partition(source), kernel))


def corpus(n_documents: int = N_DOCUMENTS, sources: Sequence[str] = SOURCES) -> dict[str, pa.Table]:
    """Documents by source: new ones, exact and edited copies, shared paragraphs and passages, nothing at all."""
    draw = random.Random(11)
    texts: list[str | None] = [None, None, "", "", " ", "\n\n", "short"]
    whole: list[str] = []
    while len(texts) < n_documents:
        whole.append(_text(draw, whole))
        texts.append(whole[-1])
    listed: dict[str, list[dict[str, Any]]] = {source: [] for source in sources}
    for text in texts:
        source = draw.choice(sources)
        doc_id = f"{source}:{draw.getrandbits(96):024x}"
        row = {
            "doc_id": doc_id,
            "url": f"https://a.test/{doc_id}?q=ü",
            "text": text,
            "n_words": len((text or "").split()),
            "quality": draw.random(),
            "is_good": draw.random() < 0.5,
            "lines": [draw.random() for _ in range(draw.randrange(3))],
            "spans": [{"start": 1, "kind": "e"}] if draw.random() < 0.5 else None,
        }
        listed[source].append(row)
    return {source: pa.Table.from_pylist(found, SCHEMA) for source, found in listed.items()}


def _text(draw: random.Random, before: list[str]) -> str:
    """A text of some paragraphs, two in three made from one of those before."""
    paragraphs = [_words(draw, draw.randint(15, 30)) for _ in range(draw.randint(1, 4))]
    if not before or draw.random() < 0.33:
        return "\n".join(paragraphs)
    old = draw.choice(before)
    match draw.choice(("copy", "edited", "edited", "paragraph", "passage", "twice")):
        case "copy":
            return old
        case "edited":
            return old.replace(draw.choice(old.split()), "changed", 1)
        case "paragraph":
            return "\n".join([*paragraphs, draw.choice(old.split("\n"))])
        case "passage":
            start = draw.randrange(max(len(old) - 120, 1))
            return f"{paragraphs[0]} {old[start : start + 120]} {paragraphs[-1]}"
        case _:
            return "\n".join([*paragraphs, *paragraphs])


def _words(draw: random.Random, n: int) -> str:
    drawn = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 8))) for _ in range(n)]
    return " ".join(draw.choice(ODD_WORDS) if draw.random() < 0.1 else word for word in drawn)
