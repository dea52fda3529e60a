"""Writes a benchmark's table as Markdown, with what is needed to judge and repeat it."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results"


class Table(NamedTuple):
    """One of several tables of a report, with what is to be said about it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: str = ""


def write_report(
    name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: str, folder: Path = RESULTS
) -> Path:
    """Writes `folder/name.md` and gives its path."""
    return _write(name, [f"# {title}", "", *_lines(columns, rows), "", notes, ""], folder)


def write_tables(name: str, title: str, tables: Sequence[Table], notes: str, folder: Path = RESULTS) -> Path:
    """Writes `folder/name.md` with several tables, each below a heading of its own, and gives its path."""
    lines = [f"# {title}", ""]
    for table in tables:
        lines += [f"## {table.title}", "", *_lines(table.columns, table.rows), ""]
        lines += [table.notes, ""] if table.notes else []
    return _write(name, [*lines, "## How it was measured", "", notes, ""], folder)


def _lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)]


def _write(name: str, lines: Sequence[str], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.md"
    file.write_text("\n".join([*lines, *_circumstances(), ""]), encoding="utf-8")
    return file


def _circumstances() -> list[str]:
    return [
        f"- commit: {_commit()}",
        f"- machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"- Python {platform.python_version()}",
        f"- date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
    ]


def _processor() -> str:
    """The processor's model name, where the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def _commit() -> str:
    """The commit checked out, marked when the working tree differs from it."""
    git = shutil.which("git")
    if git is None:
        return "unknown (no git)"
    here = Path(__file__).parent

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([git, *words], cwd=here, capture_output=True, text=True, check=False)

    head = ask("rev-parse", "--short=12", "HEAD")
    if head.returncode != 0:
        return "none yet"
    return head.stdout.strip() + (" with changes" if ask("status", "--porcelain").stdout.strip() else "")
