"""The summary of what is in the lake."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from neo_assets.lake.lake import Lake
from neo_assets.provenance.summary import BARS, render, sparkline
from neo_assets_tests.provenance.lakes import commit, documents_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def told(lake: Lake) -> str:
    output = StringIO()
    render(lake, Console(width=200, file=output))
    return output.getvalue()


def test_an_empty_lake(lake: Lake) -> None:
    assert told(lake).split() == ["lake", lake.root]


def test_documents_tokens_losses_and_scores(lake: Lake) -> None:
    documents_lake(lake)
    commit(
        lake,
        "training/token_statistics",
        [{"subset": "cc_zh", "documents": 1200, "tokens": 34_567, "share": 0.75}],
    )
    losses = [{"loss": 8.0 - i / 10} for i in range(40)]
    commit(lake, "training/metrics", losses, metadata={"unigram entropy": 7.25})
    for checkpoint, value in (("ckpt_001", 0.25), ("ckpt_002", 0.5)):
        score = {"task": "zh_poem", "metric": "acc", "value": value, "chance": 0.25, "stderr": None}
        commit(lake, f"evaluation/report|{checkpoint}", [score], metadata={"scores": [score]})
    text = told(lake)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    assert ["chinese/filtered", "2", "5", "4", "1", "0"] in rows
    assert ["crawl/extracted", "2", "6", "5", "0", "1"] in rows
    assert not [row for row in rows if row[0] == "crawl/pages"]  # judges nothing
    assert ["cc_zh", "1,200", "34,567", "75.0%"] in rows
    assert ["zh_poem", "acc", "0.250", "0.250", "0.500", ""] in rows
    assert "ckpt_001" in text and "ckpt_002" in text
    assert "Loss 8.00 █" in text and "▁ 4.10   unigram entropy 7.25 nats" in text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0], "▁"),
        ([3.0, 3.0, 3.0], "▁▁▁"),
        ([0.0, 7.0], "▁█"),
        ([float(i) for i in range(8)], BARS),
        ([0.0, 0.0, 7.0, 7.0, 0.0, 0.0], "▁█▁"),
    ],
)
def test_sparklines(values: list[float], expected: str) -> None:
    assert sparkline(values, 3 if len(values) == 6 else 8) == expected
