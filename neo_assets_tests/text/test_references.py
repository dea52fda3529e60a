from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from pydantic import ValidationError

from neo_assets.recipe.references import LanguageModelSettings, ReferenceFiles, ReferenceSettings
from neo_assets.text.references import (
    REFERENCE_SCHEMA,
    REFERENCE_SETS,
    Document,
    read_references,
    reference_documents,
    sample,
    texts_by_set,
    web_pool,
)
from neo_assets.text.sources import SourceError

WEB_PAGE = pa.Table.from_pylist([{"set": "web", "doc_id": "d1", "text": "A web page."}], REFERENCE_SCHEMA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "novel.txt").write_text("Chapter 1\nA wood.\nChapter 2\nA house.\n", encoding="utf-8")
    articles = [{"id": f"a{i}", "text": f"Article {i}."} for i in range(12)]
    (tmp_path / "articles.jsonl").write_text("\n".join(map(json.dumps, articles)), encoding="utf-8")
    (tmp_path / "page.txt").write_text("A page.", encoding="utf-8")
    return tmp_path


def settings(**changes: object) -> ReferenceSettings:
    given: dict[str, object] = {
        "wikipedia": ({"path": "articles.jsonl", "kind": "jsonl"},),
        "books": ({"path": "novel.txt", "split_at": r"^Chapter"},),
        "openwebtext": ({"path": "page.txt"},),
        "wikiref": ({"path": "page.txt"}, {"path": "novel.txt"}),
        "web_language": "en",
    }
    return ReferenceSettings.model_validate(given | changes)


def test_the_sets_are_read_as_the_recipe_says(folder: Path) -> None:
    table = read_references(settings(), folder)
    assert table.schema == REFERENCE_SCHEMA
    texts = texts_by_set(pa.concat_tables([table, WEB_PAGE]))
    assert texts.pop("web") == ["A web page."]
    assert {name: len(found) for name, found in texts.items()} == {
        "wikipedia": 12, "books": 2, "openwebtext": 1, "wikiref": 2,
    }  # fmt: skip
    assert sorted(texts["books"]) == ["Chapter 1\nA wood.\n", "Chapter 2\nA house.\n"]
    for name in REFERENCE_SETS:
        ids = [row["doc_id"] for row in table.to_pylist() if row["set"] == name]
        assert ids == sorted(ids) and len(set(ids)) == len(ids)


def test_of_a_large_set_a_sample_is_kept(folder: Path) -> None:
    sets = read_references(settings(max_documents=10), folder)["set"].to_pylist()
    assert sets.count("wikipedia") == 10 and sets.count("books") == 2
    documents = [Document(f"d{i:03d}", "text") for i in range(100)]
    shuffled = Random(1).sample(documents, 100)
    chosen = sample(documents, 20)
    assert chosen == sample(shuffled, 20) == sorted(chosen)
    assert set(sample(documents, 10)) < set(chosen)
    assert chosen != documents[:20]


def test_the_web_pool_is_what_was_crawled_in_the_language() -> None:
    rows = [
        ("d3", "en", "three"),
        ("d1", "en", "one"),
        ("d2", "zh", "二"),
        ("d4", "en", None),
        ("d5", "en", " \n"),
        ("d6", None, "?"),
    ]
    batches = [
        pa.RecordBatch.from_pylist([dict(zip(("doc_id", "language", "text"), row, strict=True))]) for row in rows[:3]
    ]
    schema = pa.schema([("doc_id", pa.string()), ("language", pa.string()), ("text", pa.string())])
    batches += [pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True))], schema) for row in rows[3:]]
    pool = web_pool(batches, settings())
    assert pool.schema == REFERENCE_SCHEMA
    assert pool.to_pylist() == [
        {"set": "web", "doc_id": f"d{i}", "text": text} for i, text in ((1, "one"), (3, "three"))
    ]


def test_faults_are_told(folder: Path) -> None:
    with pytest.raises(SourceError, match="no file matches 'none'"):
        read_references(settings(books=({"path": "none"},)), folder)
    (folder / "articles.jsonl").write_text('{"id": 1, "text": null}\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"reference set 'wikipedia': .*articles.jsonl"):
        read_references(settings(), folder)
    with pytest.raises(ValueError, match="without a document: wikipedia, books, openwebtext, wikiref"):
        texts_by_set(WEB_PAGE)
    with pytest.raises(ValueError, match="first crawl day brought no document"):
        texts_by_set(REFERENCE_SCHEMA.empty_table())


def test_documents_are_the_sets_and_the_pool(folder: Path) -> None:
    page = pa.RecordBatch.from_pylist([{"doc_id": "d1", "language": "en", "text": "A web page."}])
    table = reference_documents(settings(), folder, [page])
    assert table.slice(0, table.num_rows - 1) == read_references(settings(), folder)
    assert table.slice(table.num_rows - 1) == WEB_PAGE
    assert reference_documents(None, folder, [page]) == REFERENCE_SCHEMA.empty_table()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"path": "/etc/x"}, "stay inside"),
        ({"path": "../x"}, "stay inside"),
        ({"path": "x", "split_at": "("}, "not a regular expression"),
        ({"path": "x", "kind": "jsonl", "split_at": "x"}, "for kind: text only"),
        ({"path": "x", "group_chars": 5}, "give split_at too"),
    ],
)
def test_settings_of_files_are_checked(files: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReferenceFiles.model_validate(files)


@pytest.mark.parametrize("quantiles", [(0.5, 0.5), (0.0, 0.5), (0.7, 0.3), (0.5, 1.0)])
def test_bucket_quantiles_must_ascend(quantiles: tuple[float, float]) -> None:
    with pytest.raises(ValidationError, match="must ascend between 0 and 1"):
        LanguageModelSettings(bucket_quantiles=quantiles)
