"""Newcomers against a line: what the line holds, by id, by text or by likeness, is not added twice."""

from __future__ import annotations

import hashlib
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from neo_assets.dedup.judge_against import judge_against
from neo_assets.dedup.minhash import BandKeys, Signatures
from neo_assets.engine.local import LocalEngine
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.dedup import NearSettings

SETTINGS = NearSettings(normalisation="english", shingle_chars=4, num_permutations=128, bands=32, rows=4, threshold=0.7)
WORDS = ["alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa", "lambda", "theta", "zeta", "iota", "rho"]


def documents(ids: list[str], texts: list[str | None]) -> pa.Table:
    digests = [None if text is None else hashlib.sha256(text.encode()).hexdigest() for text in texts]
    columns = {"doc_id": ids, "url": ids, "text": texts, "text_digest": digests}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def line_of(table: pa.Table) -> pa.Table:
    """As a line keeps them: with their precedence."""
    return table.append_column("precedence", table["doc_id"])


def shingles(text: str) -> set[str]:
    return {text[i : i + 4] for i in range(len(text) - 3)}


def similarity(one: str | None, other: str | None) -> float:
    a, b = shingles(one or ""), shingles(other or "")
    return len(a & b) / len(a | b) if a | b else 0.0


def naive(line: pa.Table, new: pa.Table) -> dict[str, str]:
    """The survivor of every newcomer that the line or an earlier newcomer holds, compared pair by pair.

    An equal text names it before a similar one does.
    """
    found = {}
    kept = [(row["doc_id"], row["text"]) for row in line.to_pylist()]
    for row in new.to_pylist():
        if row["doc_id"] in {doc_id for doc_id, _ in kept[: line.num_rows]}:
            found[row["doc_id"]] = row["doc_id"]
            continue
        equal = [doc_id for doc_id, text in kept if text == row["text"] is not None]
        similar = [doc_id for doc_id, text in kept if similarity(text, row["text"]) >= SETTINGS.threshold]
        if equal or similar:
            found[row["doc_id"]] = (equal or similar)[0]
        kept.append((row["doc_id"], row["text"]))
    return found


class Run:
    def __init__(self, folder: Path, engine: LocalEngine) -> None:
        self.lake, self.engine = Lake(str(folder)), engine

    def commit(self, asset: str, table: pa.Table) -> Dataset:
        writer = self.lake.writer(asset, None)
        writer.table(table, part_rows=7)
        return writer.commit(Provenance())

    def __call__(self, line: pa.Table, new: pa.Table) -> Dataset:
        of_line = self.commit("line/near_unique", line)
        bands = pa.Table.from_batches([BandKeys(SETTINGS)(Signatures(SETTINGS)(b)) for b in line.to_batches()])
        index = self.commit("line/bands", bands)
        relation = judge_against(self.engine, self.commit("line/collected", new), of_line, index, SETTINGS)
        writer = self.lake.writer("line/unique", None)
        return writer.commit(Provenance(), self.engine.write(relation, writer, "rows"))


def texts(seed: int, n: int) -> list[str]:
    draw = np.random.default_rng(seed)
    made: list[list[str]] = []
    for _ in range(n):
        words = list(made[draw.integers(len(made))]) if made and draw.random() < 0.5 else list(draw.choice(WORDS, 30))
        for _ in range(draw.integers(3)):
            words[draw.integers(len(words))] = str(draw.choice(WORDS))
        made.append(words)
    return [" ".join(words) for words in made]


@pytest.mark.parametrize("seed", [1, 2])
def test_equals_comparing_every_pair(tmp_path: Path, seed: int) -> None:
    made = texts(seed, 60)
    line = line_of(documents([f"a:{i:02}" for i in range(30)], made[:30]))
    ids = sorted([*(f"b:{i:02}" for i in range(28)), "a:03", "a:17"])
    given = [line["text"][int(one[2:])].as_py() if one.startswith("a") else made[32 + int(one[2:])] for one in ids]
    found = Run(tmp_path, LocalEngine())(line, documents(ids, given))
    told = {row["doc_id"]: row["survivor"] for row in found.named("decisions").read().to_pylist()}
    assert told == naive(line, documents(ids, given))
    assert told["a:03"] == "a:03" and found.manifest.counts.balanced
    assert sorted([*told, *found.read()["doc_id"].to_pylist()]) == ids


def test_texts_too_short_for_a_shingle_are_told_apart_by_their_digests(tmp_path: Path) -> None:
    line = line_of(documents(["a:1", "a:2"], ["ab", None]))
    found = Run(tmp_path, LocalEngine())(line, documents(["b:1", "b:2", "b:3", "b:4"], ["ab", "cd", "cd", None]))
    told = {row["doc_id"]: (row["rule"], row["survivor"]) for row in found.named("decisions").read().to_pylist()}
    assert told == {"b:1": ("exact_duplicate", "a:1"), "b:3": ("exact_duplicate", "b:2")}


def test_without_a_line_newcomers_are_compared_with_each_other(tmp_path: Path) -> None:
    run = Run(tmp_path, LocalEngine())
    empty = Dataset(run.lake.store, "line/near_unique", ())
    text = " ".join(WORDS * 4)
    given = run.commit(
        "line/collected", documents(["b:1", "b:2", "b:3"], [text, text + " more", "another text altogether"])
    )
    relation = judge_against(run.engine, given, empty, empty, SETTINGS)
    writer = run.lake.writer("line/unique", None)
    found = writer.commit(Provenance(), run.engine.write(relation, writer, "rows"))
    assert found.read()["doc_id"].to_pylist() == ["b:1", "b:3"]


def test_the_naive_reference_sees_pairs() -> None:
    made = texts(1, 60)
    alike = [pair for pair in combinations(made, 2) if similarity(*pair) >= SETTINGS.threshold]
    assert 5 < len(alike) < 900
