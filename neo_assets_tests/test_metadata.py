"""What is shown of a version, and that foreign text cannot break out of a table cell."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import with_verdicts
from neo_assets.metadata import EXCERPT_CHARS, Columns, Json, Markdown, describe, head, markdown_table

HOSTILE = st.text(alphabet="|\\`[]()!<>&\n\r\t\v\f\x1c\x85\u2028\u2029 a é中", max_size=40)
# What Markdown reads of a row: an escaped character, or one that is not escaped.
TOKENS = re.compile(r"\\.|.", re.DOTALL)


def cells(line: str) -> list[str]:
    """The cells of a table row, split as GitHub's dialect splits them: at every pipe without a backslash."""
    characters = TOKENS.findall(line)
    assert characters[0] == characters[-1] == "|"
    found = [""]
    for character in characters[1:-1]:
        if character == "|":
            found.append("")
        else:
            found[-1] += character
    return [cell.strip() for cell in found]


def unescaped(cell: str) -> str:
    text = re.sub(r"\\(.)", r"\1", cell)
    return text.replace("&lt;", "<").replace("&amp;", "&")


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=4), HOSTILE)
def test_no_value_breaks_the_table(rows: list[tuple[str, str]], column: str) -> None:
    table = markdown_table([{f"x{column}": first, "b": second} for first, second in rows])
    lines = table.split("\n")
    assert len(lines) == len(table.splitlines()) == len(rows) + 2
    for values, line in zip([(f"x{column}", "b"), *rows], [lines[0], *lines[2:]], strict=True):
        assert [unescaped(cell) for cell in cells(line)] == [" ".join(value.split()) for value in values]


@given(HOSTILE)
def test_no_value_acts_as_markup(text: str) -> None:
    line = markdown_table([{"a": text}]).split("\n")[2]
    plain = re.sub(r"\\.", "", line)
    assert not set("[`<\\") & set(plain)
    assert re.sub("&(amp|lt);", "", plain).count("&") == 0


def test_markup_is_shown_not_rendered() -> None:
    rows = [{"a": "<script>alert(1)</script>", "b": "![x](http://tracker.test/1.png)", "c": "`x`", "d": "&lt;"}]
    assert markdown_table(rows).split("\n")[2] == (
        r"| &lt;script>alert(1)&lt;/script> | !\[x](http://tracker.test/1.png) | \`x\` | &amp;lt; |"
    )


def test_values() -> None:
    table = markdown_table([{"a": 1234567, "b": 0.123456, "c": None, "d": True}, {"a": "x"}])
    assert table.split("\n")[2:] == ["| 1234567 | 0.1235 | None | True |", "| x | None | None | None |"]
    assert markdown_table([]) == "*no rows*"


@pytest.mark.parametrize("character", ["a", "|", "&", "中"])
def test_long_values_are_cut(character: str) -> None:
    [cell] = cells(markdown_table([{"a": character * 1000}]).split("\n")[2])
    assert unescaped(cell) == character * EXCERPT_CHARS + "…"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_an_unpartitioned_table(lake: Lake) -> None:
    writer = lake.writer("t/plain", None)
    writer.table(pa.table({"name": ["a|b\nc", *map(str, range(20))], "n": range(21)}), part_rows=2)
    shown = describe(writer.commit(Provenance(), metadata={"plain": 1.5, "tree": [1, 2], "rows of": [{"a": "|"}]}))
    assert (shown["rows"], shown["dagster/row_count"]) == (21, 21)
    assert "dagster/partition_row_count" not in shown and "reasons" not in shown and "files" not in shown
    assert isinstance(shown["dagster/column_schema"], Columns)
    assert shown["dagster/column_schema"].schema.names == ["name", "n"]
    sample = shown["sample"]
    assert isinstance(sample, Markdown)
    assert sample.text.split("\n") == [
        "| name | n |",
        "|---|---|",
        r"| a\|b c | 0 |",
        *(f"| {i} | {i + 1} |" for i in range(4)),
    ]
    assert (shown["plain"], shown["tree"], shown["rows of"]) == (1.5, Json([1, 2]), Markdown("| a |\n|---|\n| \\| |"))


def test_a_wide_table_shows_its_first_columns(lake: Lake) -> None:
    writer = lake.writer("t/wide", None)
    writer.table(pa.table({f"c{n}": [n] for n in range(20)}))
    header, _, row, _, note = describe(writer.commit(Provenance()))["sample"].text.split("\n")
    assert cells(header) == [f"c{n}" for n in range(12)] and cells(row) == [str(n) for n in range(12)]
    assert note == "*and 8 more columns*"


def test_documents_are_shown_with_the_beginning_of_their_text(lake: Lake) -> None:
    writer = lake.writer("t/documents", None)
    urls = ["http://a.test/1", None, "http://a.test/3", "http://a.test/4"]
    texts = ["春眠不觉晓\n处处闻啼鸟", "<b>bold</b>", "x" * 1000, "not shown"]
    writer.table(pa.table({"doc_id": ["d1", "d2", "d3", "d4"], "url": urls, "text": texts}))
    sample = describe(writer.commit(Provenance()))["sample"].text
    assert sample.startswith("**http://a.test/1**\n\n> 春眠不觉晓 处处闻啼鸟\n\n**d2**\n\n> &lt;b>bold&lt;/b>")
    assert "not shown" not in sample and len(sample) < 1000  # Dagster shows longer texts in a dialog only


def test_an_empty_table(lake: Lake) -> None:
    writer = lake.writer("t/empty", "p")
    writer.table(pa.table({"n": pa.array([], pa.int64())}))
    shown = describe(writer.commit(Provenance()))
    assert (shown["rows"], shown["dagster/partition_row_count"], shown["sample"]) == (0, 0, Markdown("*no rows*"))


def test_reasons_are_ranked_with_an_example_each(lake: Lake) -> None:
    rules = ["words", "lines", "words", None, "words", ""]
    batch = pa.RecordBatch.from_pydict({"doc_id": [f"d{i}" for i in range(6)], "url": [None, *"abcde"]})
    judged = with_verdicts(
        batch, verdict=["rejected"] * 3 + ["kept", "rejected", "quarantined"], rule=rules,
        value=[float(i) for i in range(6)], threshold=[9.0] * 6,
    )  # fmt: skip
    writer = lake.writer("t/judged", None)
    writer.table(pa.Table.from_batches([judged]), part_rows=2)
    shown = describe(writer.commit(Provenance()))
    assert (shown["rows in"], shown["rows"], shown["rejected"], shown["quarantined"]) == (6, 1, 4, 1)
    assert shown["reasons"].text.split("\n")[2:] == [
        "| rejected | words | 3 | d0 | 0 | 9 |",
        "| quarantined |  | 1 | e | 5 | 9 |",
        "| rejected | lines | 1 | a | 1 | 9 |",
    ]


def test_large_plots_and_texts_are_left_in_the_lake(lake: Lake) -> None:
    writer = lake.writer("t/files", None)
    writer.file("small.png", b"x")
    writer.file("large.png", b"x" * 600_000)
    writer.file("large.md", b"x" * 1_200_000)
    shown = describe(writer.commit(Provenance()))
    assert "small" in shown and "large" not in shown
    assert "| small.png | 1 | " in shown["files"].text and "sample" not in shown


def test_head_reads_no_more_than_it_needs(lake: Lake) -> None:
    writer = lake.writer("t/rows", None)
    writer.table(pa.table({"n": range(10)}), part_rows=3)
    dataset = writer.commit(Provenance())
    lake.store.replace(dataset.parts[-1].path, b"unreadable")
    assert [row["n"] for row in head(dataset, 5)] == [0, 1, 2, 3, 4]
