from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.supplement import SeedFiles
from neo_assets.retrieval.model import SEED_SCHEMA, base_url
from neo_assets.text.references import chosen_records
from neo_assets.text.seed_texts import SEED_TEXT_SCHEMA, pieces, seed_texts
from neo_assets.text.source_files import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "algebra.txt").write_text("Rings\nA ring.\nFields\nA field.\n", encoding="utf-8")
    (tmp_path / "sets.txt").write_text("A set.", encoding="utf-8")
    records = [
        {"id": "a", "text": "群。", "title": "群论", "url": "https://Example.org/a"},
        {"id": "b", "text": "Zahl 𝔷."},
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return tmp_path


def files(path: str, **more: str) -> SeedFiles:
    kind = "jsonl" if path.endswith("jsonl") else "text"
    return SeedFiles.model_validate({"path": path, "kind": kind, "licence": "CC0"} | more)


def test_files_become_documents_with_addresses_and_licences(folder: Path) -> None:
    chosen = [files("algebra.txt", split_at="^(Rings|Fields)$"), files("s*.txt", licence="MIT"), files("more.jsonl")]
    table = seed_texts("mathematics", chosen, folder)
    assert table.schema == SEED_TEXT_SCHEMA
    assert SEED_TEXT_SCHEMA.names == [name for name in SEED_SCHEMA.names if name != "base_url"]
    rows = table.to_pylist()
    ids = [row["doc_id"] for row in rows]
    assert ids == sorted(set(ids)) and all(one.startswith("seed.mathematics:") for one in ids)
    assert {(row["url"], row["title"], row["text"], row["source"], row["licence"]) for row in rows} == {
        ("seed:algebra.txt#Rings", "Rings", "Rings\nA ring.\n", "algebra.txt", "CC0"),
        ("seed:algebra.txt#Fields", "Fields", "Fields\nA field.\n", "algebra.txt", "CC0"),
        ("seed:sets.txt", "sets", "A set.", "sets.txt", "MIT"),
        ("https://Example.org/a", "群论", "群。", "more.jsonl", "CC0"),
        ("seed:more.jsonl#b", "", "Zahl 𝔷.", "more.jsonl", "CC0"),
    }
    assert {base_url(row["url"]) for row in rows} == {
        "seed:algebra.txt", "seed:sets.txt", "https://example.org", "seed:more.jsonl",
    }  # fmt: skip
    assert table == seed_texts("mathematics", chosen[::-1], folder)


@pytest.mark.parametrize(
    ("site", "expected"), [("https://docs.example.org/x", "https://docs.example.org"), ("the library", "the library")]
)
def test_a_site_joins_all_its_files(folder: Path, site: str, expected: str) -> None:
    chosen = [files("*.txt", site=site), files("more.jsonl", site=site)]
    urls = seed_texts("mathematics", chosen, folder)["url"].to_pylist()
    assert len(set(urls)) == 4 and {base_url(url) for url in urls} == {expected}


def test_no_file_is_no_text(folder: Path) -> None:
    assert seed_texts("mathematics", [], folder) == SEED_TEXT_SCHEMA.empty_table()


def test_faults_are_told(folder: Path) -> None:
    with pytest.raises(SourceError, match="no file matches 'none'"):
        seed_texts("mathematics", [files("none")], folder)
    with pytest.raises(SourceError, match=r"seeds of 'mathematics': sets.txt holds two .* name it once"):
        seed_texts("mathematics", [files("sets.txt"), files("s*.txt")], folder)
    (folder / "more.jsonl").write_text('{"text": "good"}\n{"text": 1}\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"seeds of 'mathematics': more.jsonl, line 2"):
        seed_texts("mathematics", [files("more.jsonl")], folder)
    (folder / "sets.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match=r"seeds of 'mathematics': sets.txt"):
        seed_texts("mathematics", [files("sets.txt")], folder)


def test_a_record_knows_its_file(folder: Path) -> None:
    found = chosen_records("these", "set", files("*.txt"), "as its files", folder)
    assert [(record.path, record.text) for record in found] == [
        ("algebra.txt", "Rings\nA ring.\nFields\nA field.\n"),
        ("sets.txt", "A set."),
    ]


@given(st.text(alphabet="ab第\n\r\u2028"), st.integers(0, 9))
def test_pieces_are_whole_lines_and_nothing_is_lost(text: str, n_chars: int) -> None:
    found = list(pieces(text, n_chars))
    assert "".join(found) == text
    assert all(len(piece) >= n_chars for piece in found[:-1]) and (n_chars or len(found) == 1)
    starts = {0, *accumulate(len(line) for line in text.splitlines(keepends=True))}
    assert {0, *accumulate(map(len, found))} <= starts


def test_long_documents_are_cut_into_pages(tmp_path: Path) -> None:
    (tmp_path / "laws.jsonl").write_text(json.dumps({"id": "1", "text": "one\ntwo\nthree"}) + "\n", encoding="utf-8")
    files = [SeedFiles(path="laws.jsonl", kind="jsonl", licence="own", piece_chars=5)]
    rows = seed_texts("law", files, tmp_path).to_pylist()
    assert [row["text"] for row in rows] == ["one\ntwo\n", "three"]
    assert rows[0]["url"] == rows[1]["url"]
    assert rows[0]["doc_id"].removesuffix(".0") == rows[1]["doc_id"].removesuffix(".1")
