"""One document's way through a lake in which every fate occurs."""

from __future__ import annotations

from pathlib import Path

import pytest

from neo_assets.lake.lake import Lake
from neo_assets.provenance.why import Step, trace
from neo_assets_tests.provenance.lakes import DAY_1, DAY_2, commit, document, documents_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("why") / "lake"))
    documents_lake(lake)
    return lake


def test_a_kept_document_is_followed_to_its_tokens(lake: Lake) -> None:
    assert trace(lake, f"{DAY_1}:d3") == [
        Step("crawl/pages", DAY_1, "fetched", f"status 200, warc_file {DAY_1}.warc"),
        Step("crawl/extracted", DAY_1, "kept", "title Title 3, n_chars 3"),
        # What was told is not told again.
        Step("chinese/filtered", DAY_1, "kept", ""),
        Step("chinese/near_unique", DAY_1, "kept", ""),
        Step("corpus/redacted", "zh", "kept", "replaced 2 phone"),
        Step("corpus/decontaminated", "zh", "kept", "cut 20 characters with evaluation items"),
        Step("corpus/decontaminated", "zh", "held", "exam 7 (share 0.50, 12 characters)"),
        Step("training/token_shards", "zh", "tokens", "18 tokens, 12 to 30 of the subset's stream"),
        Step("training/chunk", "chunk_001", "tokens", "16 tokens at positions 8 to 8 of the order"),
    ]


def test_a_rejected_document_names_rule_value_and_threshold(lake: Lake) -> None:
    steps = trace(lake, "http://a.test/2")
    assert [step.asset for step in steps] == ["crawl/pages", "crawl/extracted", "chinese/filtered"]
    assert steps[-1] == Step("chinese/filtered", DAY_1, "rejected", "words, value 12, threshold 50")


def test_a_duplicate_names_its_survivor_and_the_similarity(lake: Lake) -> None:
    assert trace(lake, f"{DAY_2}:d5")[-1] == Step(
        "chinese/near_unique",
        DAY_2,
        "rejected",
        f"near_duplicate, duplicate of http://a.test/3 ({DAY_1}:d3), similarity 0.912",
    )


def test_a_document_with_an_evaluation_item_names_the_item(lake: Lake) -> None:
    rejected, held = trace(lake, f"{DAY_2}:d1")[-2:]
    told = "decontamination, value 0.9, threshold 0.2, holds exam 7 (90%)"
    assert rejected == Step("corpus/decontaminated", "zh", "rejected", told)
    assert held == Step("corpus/decontaminated", "zh", "held", "exam 7 (share 0.90, 12 characters)")


def test_a_quarantined_document_names_the_reason(lake: Lake) -> None:
    assert trace(lake, f"{DAY_1}:d4")[-1] == Step("crawl/extracted", DAY_1, "quarantined", "not a page: nul bytes")


def test_a_page_that_gave_no_document(lake: Lake) -> None:
    assert trace(lake, "http://a.test/gone") == [Step("crawl/pages", DAY_1, "failed", "status 404")]


def test_several_spans_are_one_step_and_exposures_name_checkpoints(lake: Lake) -> None:
    *_, tokens, exposures = trace(lake, f"{DAY_1}:d1")
    assert tokens.explanation == "12 tokens at positions 7 to 9 of the order"
    assert exposures == Step("release/exposure_index", None, "kept", "sequences 2, checkpoints ['ckpt_001']")


def test_a_url_stands_for_its_documents_of_all_days_an_id_for_one(lake: Lake) -> None:
    both, one = trace(lake, "http://a.test/1"), trace(lake, f"{DAY_2}:d1")
    assert [s.partition for s in both if s.asset == "chinese/near_unique"] == [DAY_1, DAY_2]
    assert [s.partition for s in one if s.asset == "chinese/near_unique"] == [DAY_2]
    assert "training/chunk" in {s.asset for s in both} - {s.asset for s in one}


def test_texts_are_left_out(lake: Lake) -> None:
    assert "secret" not in "".join(step.explanation for step in trace(lake, "http://a.test/1"))


def test_what_no_stage_saw_has_no_steps(lake: Lake, tmp_path: Path) -> None:
    assert trace(lake, "http://a.test/") == []
    assert trace(Lake(str(tmp_path / "empty")), "http://a.test/1") == []


def test_deduplication_is_told_to_the_end_of_the_chain_and_passage_by_passage(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    near = {"rule": "near_duplicate", "similarity": 0.9, "verdict": "rejected"}
    unique = [
        document(1, verdict="kept"),
        document(2, survivor=f"{DAY_1}:d1", **near),
        document(3, survivor=f"{DAY_1}:d2", **near),
        document(4, survivor=f"{DAY_1}:d3", **near),
        document(5, verdict="kept"),
        document(6, verdict="kept"),
    ]
    first = commit(lake, f"chinese/near_unique|{DAY_1}", unique)
    cuts = [
        {"start": 0, "end": 40, "survivor": f"{DAY_1}:d1"},
        {"start": 50, "end": 60, "survivor": f"{DAY_1}:d5"},
        {"start": 70, "end": 80, "survivor": f"{DAY_1}:d1"},
    ]
    short = {"rule": "short_after_lines", "value": 4.0, "threshold": 20.0, "survivor": f"{DAY_1}:d1"}
    rows = [document(5, line_cuts=cuts, verdict="kept"), document(6, line_cuts=[], verdict="rejected", **short)]
    commit(lake, f"chinese/line_unique|{DAY_1}", rows, first)
    assert trace(lake, f"{DAY_1}:d2")[-1].explanation == (
        f"near_duplicate, duplicate of http://a.test/1 ({DAY_1}:d1), similarity 0.900"
    )
    assert trace(lake, f"{DAY_1}:d3")[-1].explanation.endswith(
        f"the former itself a duplicate of http://a.test/1 ({DAY_1}:d1), which stayed"
    )
    longer = trace(lake, f"{DAY_1}:d4")[-1].explanation
    assert f"itself a duplicate over 1 more of http://a.test/1 ({DAY_1}:d1)" in longer
    assert trace(lake, f"{DAY_1}:d5")[-1].explanation == (
        f"cut 60 characters in 3 similar lines: 50 kept in http://a.test/1 ({DAY_1}:d1), "
        "10 kept earlier in this document"
    )
    assert trace(lake, f"{DAY_1}:d6")[-1].explanation == (
        f"short_after_lines, value 4, threshold 20, first passage cut kept in http://a.test/1 ({DAY_1}:d1)"
    )


def test_a_converted_document_is_told_by_its_pages_not_page_by_page(tmp_path: Path) -> None:
    lake, one = Lake(str(tmp_path)), {"doc_id": f"{DAY_1}:b", "url": "document://books/b.pdf"}
    files = commit(lake, "documents/files|books", [{**one, "media": "pdf", "n_pages": 3}])
    kinds = ["born_digital", "born_digital", "scanned"]
    pages = [{**one, "page": n, "kind": kind, "image": b"\x89PNG"} for n, kind in enumerate(kinds, 1)]
    rendered = commit(lake, "documents/pages|books", pages, files)
    commit(lake, "documents/markdown|books", [{**one, "markdown": "# B", "share_ocr": 0.25}], rendered)
    assert trace(lake, one["url"]) == [
        Step("documents/files", "books", "kept", "media pdf, n_pages 3"),
        Step("documents/pages", "books", "kept", "3 pages: 2 born digital, 1 scanned"),
        Step("documents/markdown", "books", "kept", "share_ocr 0.25"),
    ]
