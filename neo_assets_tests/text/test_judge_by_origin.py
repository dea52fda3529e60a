"""Documents of one origin are judged by rules of their own; the rest, order and columns stay as they are."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.lines import ChineseSection
from neo_assets.text.judge import JudgeByOrigin, JudgeByRules
from neo_assets.text.rule import Rule
from neo_assets.text.rules import chinese_rules


def rules(maximum: float) -> JudgeByRules:
    return JudgeByRules((Rule("length", "n", "characters", "ours", maximum=maximum),))


KERNEL = JudgeByOrigin(rules(10), rules(100), "extractor", "documents")


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["documents", "web", None])), max_size=30))
def test_each_row_is_judged_as_if_alone(rows: list[tuple[int, str | None]]) -> None:
    schema = pa.schema([("n", pa.float64()), ("extractor", pa.string())])
    batch = pa.RecordBatch.from_pylist([{"n": n, "extractor": origin} for n, origin in rows], schema=schema)
    found = KERNEL(batch)
    assert found.select(["n", "extractor"]).to_pylist() == batch.to_pylist()
    limits = [100 if origin == "documents" else 10 for _, origin in rows]
    wanted = ["kept" if n <= limit else "rejected" for (n, _), limit in zip(rows, limits, strict=True)]
    assert found["verdict"].to_pylist() == wanted
    assert found.schema.names == rules(10)(batch).schema.names


def test_differing_limits_replace_those_of_pages_only_where_they_differ() -> None:
    section = ChineseSection()
    pages = {rule.name: rule for rule in chinese_rules(section.rules)}
    documents = {rule.name: rule for rule in chinese_rules(section.rules, "corrected", section.document_limits)}
    assert pages.keys() == documents.keys()
    differing = {name for name in pages if pages[name] != documents[name]}
    assert differing == set(section.document_limits)
    assert documents["characters"].maximum == 5_000_000
