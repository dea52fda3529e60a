from __future__ import annotations

import pyarrow as pa

from neo_assets.dedup.anchors import KEY_CHARS, Anchors, runs_of, texts_of
from neo_assets.dedup.windows import WINDOW_SCHEMA, Windows, first_runs_sql
from neo_assets.recipe.dedup import SubstringSettings
from neo_assets_tests.dedup.relations import attached, query

SMALL = SubstringSettings(window_chars=8, anchor_chars=4)


def documents(texts: dict[str, str]) -> pa.Table:
    schema = pa.schema([("doc_id", pa.string()), ("precedence", pa.string()), ("text", pa.string())])
    return pa.Table.from_pylist([{"doc_id": d, "precedence": d, "text": text} for d, text in texts.items()], schema)


def rows_of(texts: dict[str, str], own: set[str] | None = None) -> list[dict[str, object]]:
    [batch] = documents(texts).to_batches()
    index = pa.Table.from_batches([Anchors(SMALL)(batch)])
    candidates = documents({d: text for d, text in texts.items() if own is None or d in own})
    firsts = query(
        first_runs_sql(), own=pa.Table.from_batches(map(Anchors(SMALL), candidates.to_batches())), anchors=index
    )
    found = [Windows(SMALL)(batch) for batch in attached(candidates, firsts).to_batches()]
    table = pa.Table.from_batches(found, WINDOW_SCHEMA)
    return table.to_pylist()


def test_what_stands_once_gives_no_row() -> None:
    assert rows_of({"a": "abcdefghijklmnop", "b": "qrstuvwxyz012345"}) == []


def test_of_equal_documents_the_first_is_listed_without_windows() -> None:
    text = "abcdefghijklmnopqrst"
    rows = rows_of({"c": text, "b": text, "a": "another text that has nothing"})
    runs = runs_of(texts_of([text]), SMALL)
    assert [(row["precedence"], row["run"]) for row in rows] == [("b", run) for run in range(len(runs.starts))]
    assert {row["windows"] for row in rows} == {""}


def test_contents_that_share_an_anchor_are_listed_window_by_window() -> None:
    texts = {"a": "0123456789abcdefghijklmnop", "b": "abcdefghijklmnop9876543210"}
    rows = rows_of(texts)
    assert {row["precedence"] for row in rows} == {"a", "b"}
    windows: dict[str, set[str]] = {}
    for row in rows:
        keys = str(row["windows"])
        windows.setdefault(str(row["precedence"]), set()).update(
            keys[i : i + KEY_CHARS] for i in range(0, len(keys), KEY_CHARS)
        )
    inner = {row["content"] for row in rows if not row["windows"]}
    runs = [runs_of(texts_of([text]), SMALL) for text in texts.values()]
    shared = set(runs[0].contents.tolist()) & set(runs[1].contents.tolist())
    assert len(inner) == len(shared) > 0
    whole = sum(int(runs[0].windows[runs[0].contents.tolist().index(content)]) for content in shared)
    assert whole + len(windows["a"] & windows["b"]) == 16 - 8 + 1  # the windows of the shared 16 characters


def test_partitions_list_what_is_theirs() -> None:
    text = "abcdefghijklmnopqrst"
    texts = {"a": text, "b": f"{text} and more of it", "c": f"x{text}"}
    whole = rows_of(texts)
    assert [row for d in "abc" for row in rows_of(texts, {d})] == whole
    assert rows_of(texts, {"a", "c"}) + rows_of(texts, {"b"}) != []
