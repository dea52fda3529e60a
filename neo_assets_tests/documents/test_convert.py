"""One file through every stage in one process, as `neo convert` does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from neo_assets.cli import main
from neo_assets.seed import SEED_FOLDER

MANUAL = SEED_FOLDER / "pdf" / "debmake.en.p9-14.pdf"


@pytest.mark.slow
@pytest.mark.needs("documents")
def test_a_manual_becomes_markdown_whose_blocks_lead_back_to_its_pages(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["convert", str(MANUAL), "--output", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "6 pages, CPU seconds: pages" in done.output
    markdown = (tmp_path / f"{MANUAL.stem}.md").read_text()
    told = json.loads((tmp_path / f"{MANUAL.stem}.json").read_text())
    assert "The author felt limitations of updating the original" in markdown
    assert "$ tar -xvzf package-1.0.tar.gz" in markdown  # a listing keeps its lines
    for block in told["blocks"]:
        assert markdown[block["start"] : block["end"]] == block["text"]
        assert all(1 <= place["page"] <= 6 for place in block["places"])
    running = [block for block in told["blocks"] if block["kind"] in ("header", "footer", "page_number")]
    assert not running


def test_what_is_no_document_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_text("no PDF")
    done = CliRunner().invoke(main, ["convert", str(file)])
    assert done.exit_code == 1
    [line] = done.output.strip().splitlines()
    assert line.startswith("Error: media: the file is no PDF")
