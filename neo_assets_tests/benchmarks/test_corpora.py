from __future__ import annotations

import json
import statistics
from itertools import islice

import pytest

from benchmarks.corpora import MATERIALS, corpus, documents


@pytest.mark.parametrize("language", MATERIALS)
def test_documents_are_distinct_of_the_wanted_length_and_the_same_each_time(language: str) -> None:
    found = list(documents(language, 1_000_000))
    assert found == list(documents(language, 1_000_000))
    assert len(set(found)) == len(found)
    assert (
        sum(len(text.encode("utf-8")) for text in found[:-1])
        < 1_000_000
        <= sum(map(len, "".join(found).encode().split(b"\0")))
    )
    assert statistics.mean(map(len, found)) == pytest.approx(MATERIALS[language].mean_chars, rel=0.1)
    assert list(islice(documents(language, 1_000_000, seed=2), 3)) != found[:3]


def test_a_corpus_is_written_once(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    file = corpus("chinese", 1)
    written = file.stat().st_mtime_ns
    assert corpus("chinese", 1) == file
    assert file.stat().st_mtime_ns == written
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [record["text"] for record in records] == list(documents("chinese", 1_000_000))
    assert [path.name for path in file.parent.iterdir()] == [file.name]
