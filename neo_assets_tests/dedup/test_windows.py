from __future__ import annotations

import numpy as np
import pyarrow as pa

from neo_assets.dedup.anchors import Anchors, runs_of, texts_of
from neo_assets.dedup.judge_substrings import windows_of
from neo_assets.dedup.packed import unpacked
from neo_assets.dedup.windows import WINDOW_SCHEMA
from neo_assets.recipe.dedup import SubstringSettings
from neo_assets_tests.dedup.substring_engine import InMemory

SMALL = SubstringSettings(window_chars=8, anchor_chars=4)


def documents(texts: dict[str, str]) -> pa.Table:
    schema = pa.schema([("doc_id", pa.string()), ("precedence", pa.string()), ("text", pa.string())])
    return pa.Table.from_pylist([{"doc_id": d, "precedence": d, "text": text} for d, text in texts.items()], schema)


def rows_of(texts: dict[str, str], own: set[str] | None = None) -> list[dict[str, object]]:
    """The index of the windows of some documents, run by run."""
    engine = InMemory()
    candidates = documents({d: text for d, text in texts.items() if own is None or d in own})
    anchors, own_anchors = (engine.map(rows, Anchors(SMALL)) for rows in (documents(texts), candidates))
    index = windows_of(engine, candidates, anchors, own_anchors, SMALL)
    assert index.schema == WINDOW_SCHEMA
    index = index.combine_chunks()
    kinds = {"starts": np.uint32, "anchors": np.uint64, "contents": np.uint64, "lengths": np.uint32}
    flat = {name: unpacked(index[name].combine_chunks(), kind) for name, kind in kinds.items()}
    text, _ = unpacked(index["texts"].combine_chunks(), np.uint8)
    names = np.repeat(index["doc_id"].to_pylist(), np.diff(flat["starts"][1]))
    ends = np.cumsum(flat["lengths"][0], dtype=np.int64)
    return [
        {
            "doc_id": str(names[i]),
            "start": int(flat["starts"][0][i]),
            "content": int(flat["contents"][0][i]),
            "text": text[ends[i] - flat["lengths"][0][i] : ends[i]].tobytes().decode(),
        }
        for i in range(ends.size)
    ]


def test_what_stands_once_gives_no_row() -> None:
    assert rows_of({"a": "abcdefghijklmnop", "b": "qrstuvwxyz012345"}) == []


def test_of_equal_documents_the_first_is_listed_without_windows() -> None:
    text = "abcdefghijklmnopqrst"
    rows = rows_of({"c": text, "b": text, "a": "another text that has nothing"})
    runs = runs_of(texts_of(pa.array([text])), SMALL)
    assert [(row["doc_id"], row["start"]) for row in rows] == [("b", start) for start in runs.starts.tolist()]
    assert {row["text"] for row in rows} == {""}


def test_contents_that_share_an_anchor_are_listed_with_their_text() -> None:
    texts = {"a": "0123456789abcdé界ghijklmnop", "b": "abcdé界ghijklmnop9876543210"}
    rows = rows_of(texts)
    assert {row["doc_id"] for row in rows} == {"a", "b"}
    windows: dict[str, set[str]] = {"a": set(), "b": set()}
    for row in rows:
        text, start = str(row["text"]), int(str(row["start"]))
        assert texts[str(row["doc_id"])].startswith(text, start)
        windows[str(row["doc_id"])] |= {text[i : i + 8] for i in range(len(text) - 7)}
    inner = {row["content"] for row in rows if not row["text"]}
    runs = [runs_of(texts_of(pa.array([text])), SMALL) for text in texts.values()]
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
