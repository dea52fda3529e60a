from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from neo_assets.retrieval.kernels import CRAWL, Collected, FromCrawl, FromFiles, Take, Without
from neo_assets.retrieval.model import SCORE_SCHEMA, Sited, base_url, sample_key


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("HTTP://User:pw@A.Test:8080/x?y#z", "http://a.test:8080"),
        ("https://东京.test/", "https://东京.test"),
        ("seed:text/laws.zh.jsonl#17", "seed:text/laws.zh.jsonl"),
        ("document://books/manuals/a.pdf", "document://books"),
        ("http://[bad/x#y", "http://[bad/x"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_base_url_is_scheme_and_host(url: str | None, site: str) -> None:
    assert base_url(url) == site


def test_keys_depend_on_the_draw_and_the_page_alone() -> None:
    rows = [{"doc_id": f"d{n}", "url": f"http://{'ab'[n % 2]}.test/{n}", "text": "x"} for n in range(6)]
    whole = pickle.loads(pickle.dumps(Sited(1, "r")))(pa.RecordBatch.from_pylist(rows)).to_pylist()  # noqa: S301
    parts = [
        row for part in (rows[:2], rows[2:]) for row in Sited(1, "r")(pa.RecordBatch.from_pylist(part)).to_pylist()
    ]
    assert whole == parts and all(0 <= row["sample_key"] < 1 for row in whole)
    assert whole[0]["sample_key"] == sample_key(1, "r", "d0") != sample_key(1, "s", "d0") != sample_key(2, "s", "d0")
    assert len({row["sample_key"] for row in whole}) == 6 and len({row["site_key"] for row in whole}) == 2


def pages(*urls: str) -> pa.RecordBatch:
    rows = [{"doc_id": url, "url": url, "title": "t", "text": "x", "licence": "old", "day": "d"} for url in urls]
    return Sited(1, "seeds")(pa.RecordBatch.from_pylist(rows))


def test_seeds_of_the_crawl_are_those_of_hosts_and_of_patterns() -> None:
    batch = pages(
        "http://a.test/1", "http://www.a.test/2", "http://ba.test/3", "http://b.test:80/law/4", "seed:a.test#5"
    )
    found = FromCrawl(("a.test",), (r"/law/\d",))(batch).to_pylist()
    assert [row["doc_id"] for row in found] == ["http://a.test/1", "http://www.a.test/2", "http://b.test:80/law/4"]
    assert {(row["source"], row["licence"]) for row in found} == {(CRAWL, "as each page states")}
    assert FromCrawl(())(batch).num_rows == 0


def test_texts_at_hand_are_the_other_seeds() -> None:
    seeds = FromCrawl(("a.test",))(pages("http://a.test/1"))
    file = pa.RecordBatch.from_pylist([{**seeds.to_pylist()[0], "doc_id": "f", "source": "x.txt"}], schema=seeds.schema)
    both = pa.Table.from_batches([seeds, file]).combine_chunks().to_batches()[0]
    assert FromFiles()(both).to_pylist() == [{"doc_id": "f", "url": "http://a.test/1", "title": "t", "text": "x"}]


def test_known_pages_are_collected() -> None:
    row = {"doc_id": "a", "url": "u", "base_url": "b", "title": "t", "score": 0.5, "sample_key": 0.1, "more": 1}
    batch = pa.RecordBatch.from_pylist([{**row, "known": 1}, {**row, "known": None}])
    found = Collected()(batch)
    assert found.schema.names == SCORE_SCHEMA.names and found["collected"].to_pylist() == [True, False]
    assert Take("known", ("doc_id",))(batch).to_pylist() == [{"doc_id": "a"}]
    assert "known" not in Without(("known", "absent"))(batch).schema.names
