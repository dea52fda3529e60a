"""RedPajama-V2's files, re-made small in their published format, and judging by what they ship."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import rows_judged
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import document_id
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.redpajama import SHIPPED, PreferShipped, shipped_value
from neo_assets.text.sources import SourceError, file_records

SOURCE = SourceSettings(kind="redpajama", path="**/*.json.gz", licence="Common Crawl terms", rule_set="redpajama")
TEXTS = ["First line of the first page.\nSecond line {with} braces.", "A page.", "Another page, of the middle bucket."]
# One file's base name; the files of the published data lie at documents/<snapshot>/<shard>/<language>_<bucket>.json.gz.
BASE = "2023-06/0001/en_middle.json.gz"


def document(index: int, **changes: Any) -> dict[str, Any]:
    """An object of a documents file: the fields that the data set's card names."""
    text = TEXTS[index]
    return {
        "url": f"http://site{index}.test/page", "date_download": "2023-02-05T08:26:33Z", "digest": "sha1:ABC",
        "length": len(text), "nlines": text.count("\n") + 1, "source_domain": f"site{index}.test",
        "title": f"Page {index}", "raw_content": text, "cc_segment": "crawl-data/CC-MAIN-2023-06/1.warc.wet.gz",
        "original_nlines": 9, "original_length": 900 + index, "line_ids": [0, 1], "language": "en",
        "language_score": 0.9, "perplexity": 321.5, "bucket": "middle", **changes,
    }  # fmt: skip


def signals(index: int, base: str = BASE, **changes: Any) -> dict[str, Any]:
    """An object of a signals file: (start, end, value) over the text, one entry for the document or one a line."""
    text = TEXTS[index]
    end = len(text)
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    values = {
        "ccnet_length": [[0, end, float(end)]],
        "ccnet_original_length": [[0, end, 900.0 + index]],
        "ccnet_nlines": [[0, end, float(len(starts))]],
        "ccnet_bucket": [[0, end, 1.0]],
        "ccnet_perplexity": [[0, end, 321.5]],
        "rps_doc_word_count": [[0, end, len(text.split())]],
        "rps_doc_ut1_blacklist": [[0, end, None]],
        "rps_doc_mean_word_length": [],
        "rps_lines_start_with_bulletpoint": [[start, end, 1.0 if start else 0.0] for start in starts],
        "minhash_signature_0.7": ["AAAA"],
        **changes,
    }
    metadata = {
        "cc_net_source": base,
        "url": f"http://site{index}.test/page",
        "language": "en",
        "snapshot_id": "2023-06",
    }
    return {"id": f"{base}/{index}", "id_int": index, "metadata": metadata, "quality_signals": values}


def write(file: Path, rows: list[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_bytes(gzip.compress("\n".join(lines).encode()))


def read(tmp_path: Path) -> Dataset:
    lake, engine = Lake(str(tmp_path / "lake")), LocalEngine(part_rows=2)
    relation = file_records(engine, "rp", SOURCE, tmp_path / "in")
    writer = lake.writer("english/records", "rp")
    writer.rows_in = rows_judged(relation)
    dataset = writer.commit(Provenance(), engine.write(relation, writer, "rows"))
    assert dataset.manifest.counts is not None and dataset.manifest.counts.balanced
    return dataset


LAYOUTS = {
    "as published": (f"documents/{BASE}", "quality_signals/2023-06/0001/en_middle.signals.json.gz"),
    "side by side": (BASE, "2023-06/0001/en_middle.signals.json.gz"),
    "as Matrix names them": ("a__2023-06__0001__en_middle.json.gz", "a__2023-06__0001__en_middle.signals.json.gz"),
}


@pytest.mark.parametrize(("documents_at", "signals_at"), LAYOUTS.values(), ids=LAYOUTS)
def test_documents_and_signals_are_joined_by_id(tmp_path: Path, documents_at: str, signals_at: str) -> None:
    write(tmp_path / "in" / documents_at, [document(index) for index in range(3)])
    write(tmp_path / "in" / signals_at, [signals(index) for index in range(3)])
    rows = {row["url"]: row for row in read(tmp_path).read().to_pylist()}
    assert len(rows) == 3
    first = rows["http://site0.test/page"]
    assert first["doc_id"] == document_id("rp", f"{documents_at}#{BASE}/0")
    assert (first["text"], first["title"], first["day"]) == (TEXTS[0], "Page 0", "2023-02-05")
    assert (first["language"], first["language_score"], first["host"]) == ("en", 0.9, "site0.test")
    assert {name.removeprefix("shipped_") for name in first if name.startswith("shipped_")} == set(SHIPPED)
    assert len(SHIPPED) == 42  # the 46 published annotations but for the four MinHash signatures
    assert (first["shipped_ccnet_length"], first["shipped_ccnet_original_length"]) == (len(TEXTS[0]), 900)
    assert first["shipped_rps_doc_ut1_blacklist"] is first["shipped_rps_doc_mean_word_length"] is None
    assert first["shipped_rps_lines_start_with_bulletpoint"] == [0.0, 1.0]
    assert first["shipped_rps_lines_num_words"] is None


def test_a_document_without_signals_is_quarantined(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "2023-06" / "0001"
    bad = document(1, raw_content=None)
    write(folder / "en_middle.json.gz", [document(0), bad, "{", document(2), document(0), document(0)])
    rows = [signals(0), "{broken", {**signals(2), "id": f"{BASE}/3"}, {**signals(0), "id": f"{BASE}/5"}]
    write(folder / "en_middle.signals.json.gz", rows)
    found = read(tmp_path)
    assert found.rows == 3
    decisions = sorted(found.named("decisions").read().to_pylist(), key=lambda row: row["reason"])
    path, at = "2023-06/0001/en_middle.json.gz", "at character 2 of the line"
    assert [(row["rule"], row["reason"]) for row in decisions] == [
        ("text", f"{path}, line 2: it has no text (field 'raw_content')"),
        ("json", f"{path}, line 3: not JSON: Expecting property name enclosed in double quotes {at}"),
        ("signals", f"{path}, line 5: no signals with id {BASE}/4"),
    ]  # fmt: skip


def test_files_that_do_not_belong_together_fail(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "2023-06" / "0001"
    write(folder / "en_middle.json.gz", [document(index) for index in range(3)])
    with pytest.raises(SourceError, match=r"has no signals file en_middle\.signals\.json\.gz beside it"):
        read(tmp_path)
    write(folder / "en_middle.signals.json.gz", [signals(0), signals(2), signals(1)])
    with pytest.raises(SourceError, match=r"in another order: document 1 after 2; sort them by id"):
        read(tmp_path)
    write(folder / "en_middle.signals.json.gz", [signals(0, base="2023-06/0002/en_middle.json.gz")])
    with pytest.raises(SourceError, match=r"for '2023-06/0002/en_middle.json.gz/0', not for 2023-06/0001/en_middle"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rps_doc_word_count", [[0, 9, 7]], 7.0),
        ("rps_doc_word_count", 7, 7.0),
        ("rps_doc_word_count", [[0, 9, None]], None),
        ("rps_doc_word_count", [], None),
        ("rps_doc_word_count", "many", None),
        ("rps_doc_word_count", True, None),
        ("ccnet_bucket", "head", 0.0),
        ("ccnet_bucket", [[0, 9, 2.0]], 2.0),
        ("rps_lines_num_words", [[0, 4, 2.0], [4, 9, None]], [2.0, None]),
        ("rps_lines_num_words", [2.0, 3], [2.0, 3.0]),
        ("rps_lines_num_words", None, None),
    ],
)
def test_values(name: str, value: object, expected: object) -> None:
    assert shipped_value(name, value) == expected


def test_shipped_values_come_before_ours() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "doc_id": ["a", "b", "c"],
            "rps_doc_word_count": pa.array([1, 2, 3], pa.int64()),
            "ccnet_nlines": pa.array([9, 9, 9], pa.int64()),
            "rps_lines_start_with_bulletpoint": pa.array([[0], [0], [0]], pa.list_(pa.float32())),
            "frac_lines_bullet": [0.0, 0.0, 0.25],
            "shipped_rps_doc_word_count": pa.array([10.0, None, 0.0]),
            "shipped_ccnet_nlines": pa.array([4.0, 0.0, None]),
            "shipped_rps_lines_start_with_bulletpoint": pa.array([[1, 0, 1, 1], [], None], pa.list_(pa.float32())),
            "shipped_ccnet_perplexity": pa.array([5.5, None, None]),
        }
    )
    after = pickle.loads(pickle.dumps(PreferShipped()))(batch)  # noqa: S301
    assert after.to_pydict() == {
        "doc_id": ["a", "b", "c"],
        "rps_doc_word_count": [10, 2, 0],
        "ccnet_nlines": [4, 0, 9],
        "rps_lines_start_with_bulletpoint": [[1.0, 0.0, 1.0, 1.0], [], [0.0]],
        "frac_lines_bullet": [0.75, 0.0, 0.25],
        "ccnet_perplexity": [5.5, None, None],
        "shipped": [
            ["ccnet_nlines", "ccnet_perplexity", "rps_doc_word_count", "rps_lines_start_with_bulletpoint",
             "frac_lines_bullet"],
            ["ccnet_nlines", "rps_lines_start_with_bulletpoint"],
            ["rps_doc_word_count"],
        ],
    }  # fmt: skip
    assert after.schema.field("rps_doc_word_count").type == pa.int64()


@pytest.mark.parametrize("rows", [0, 2])
def test_without_shipped_values_only_the_empty_list_is_added(rows: int) -> None:
    batch = pa.RecordBatch.from_pydict({"doc_id": pa.array(["a", "b"][:rows], pa.string())})
    after = PreferShipped()(batch)
    assert after.schema.names == ["doc_id", "shipped"]
    assert after["shipped"].to_pylist() == [[]] * rows
    assert after["shipped"].type == pa.list_(pa.string())
