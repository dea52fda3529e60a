from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neo_assets.dedup.survivors import Precedence, doc_id_of, ids_of, sources_of
from neo_assets.recipe.dedup import SurvivorSettings
from neo_assets.recipe.lines import ChineseSection, EnglishSection
from neo_assets_tests.dedup.relations import query

ROWS = [
    {"doc_id": "2024-11-02:a", "text": "长的文本" * 3, "score": 0.5},
    {"doc_id": "2024-11-01:b", "text": "short", "score": None},
    {"doc_id": "2024-11-01:c", "text": "as long as it gets here", "score": 0.5},
    {"doc_id": "2024-11-02:d", "text": None, "score": -3.0},
]
SCHEMA = pa.schema([("doc_id", pa.string()), ("text", pa.string()), ("score", pa.float32())])


def ordered(settings: SurvivorSettings, rows: list[dict[str, object]], arrival_first: bool = False) -> list[str]:
    """The ids in order of their precedence."""
    batch = Precedence(settings, arrival_first)(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    assert batch.schema.field("precedence").type == pa.string()
    assert ids_of(batch["precedence"]).to_pylist() == batch["doc_id"].to_pylist()
    return [row["doc_id"] for row in sorted(batch.to_pylist(), key=lambda row: row["precedence"])]


def test_every_policy_orders_as_it_says() -> None:
    short = [doc_id[-1] for doc_id in ordered(SurvivorSettings(), ROWS)]
    assert short == ["b", "c", "a", "d"]
    assert "".join(i[-1] for i in ordered(SurvivorSettings(policy="longest"), ROWS)) == "cabd"
    quality = SurvivorSettings(policy="quality", quality_column="score")
    assert "".join(i[-1] for i in ordered(quality, ROWS)) == "cadb"
    source = SurvivorSettings(policy="source", source_priority=("books",))
    assert "".join(i[-1] for i in ordered(source, ROWS)) == "bcad"  # none of them is named: by id


def test_sources_in_their_priority() -> None:
    rows = [{"doc_id": f"{source}:{i}", "text": "x", "score": 0.0} for source in ("crawl", "books") for i in (2, 1)]
    settings = SurvivorSettings(policy="source", source_priority=("books",))
    assert ordered(settings, rows) == ["books:1", "books:2", "crawl:1", "crawl:2"]


def test_what_arrived_earlier_stays_whatever_the_policy() -> None:
    assert "".join(i[-1] for i in ordered(SurvivorSettings(policy="longest"), ROWS, arrival_first=True)) == "cbad"


@given(st.lists(st.floats(allow_nan=True, width=32), min_size=1, max_size=8))
def test_any_score_gives_an_order_of_fixed_width(scores: list[float]) -> None:
    rows = [{"doc_id": f"s:{i}", "text": "", "score": score} for i, score in enumerate(scores)]
    batch = pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
    found = Precedence(SurvivorSettings(policy="quality", quality_column="score"))(batch)["precedence"].to_pylist()
    assert {p.index("/") for p in found} == {12}
    real = [(s, p) for s, p in zip(scores, found, strict=True) if s == s and abs(s) < 1e5]
    for one, p in real:
        for other, q in real:
            assert p < q or one < other + 1e-5 or p == q


def test_sql_and_kernel_find_the_same_id() -> None:
    table = pa.table({"p": ["000000000004/books:ab", "books:ab", "2024-11-01/000000000004/2024-11-01:x"]})
    found = query(f"SELECT {doc_id_of('p')} AS id FROM t", t=table)["id"].to_pylist()  # noqa: S608
    assert found == ids_of(table["p"].combine_chunks()).to_pylist() == ["books:ab", "books:ab", "2024-11-01:x"]
    assert sources_of(pa.array(found)).to_pylist() == ["books", "books", "2024-11-01"]


def test_policies_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValidationError, match="needs source_priority"):
        SurvivorSettings(policy="source")
    with pytest.raises(ValidationError, match="no such sources: nowhere"):
        EnglishSection.model_validate(
            {
                "sources": {"crawl": {"kind": "crawl", "licence": "x"}},
                "dedup": {"survivor": {"policy": "source", "source_priority": ["nowhere"]}},
            }
        )
    with pytest.raises(ValidationError, match="Chinese has days"):
        ChineseSection.model_validate({"dedup": {"survivor": {"policy": "source", "source_priority": ["crawl"]}}})
