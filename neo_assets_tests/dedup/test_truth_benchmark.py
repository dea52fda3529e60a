from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from benchmarks import dedup_truth_sources as sources

REPOSITORY = Path(__file__).parents[2]


def test_the_quick_benchmark_runs_and_writes_its_report(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.dedup_truth", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "dedup_truth.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if re.match(r"\| [^|]+, seed \|", line)]
    near = [row for row in rows if "×" in row[2]]
    assert len(near) == 11
    assert all(row[10] in ("100.0%", "") for row in near), "precision"
    assert all(row[11].startswith("0 of ") for row in near if row[0].startswith(("laws", "guide"))), "false merges"
    assert "Quick run" in report
    assert "- commit: " in report


def test_archives_are_read_by_name_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "made.tar"
    with tarfile.open(file, "w") as made:
        for name, content in (("good/1.json", b"[1]"), ("../good/2.json", b"[2]"), ("good/3.json.exe", b"[3]")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("good/4.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        made.addfile(link)
    pattern = re.compile(r"good/(\d)\.json")
    with tarfile.open(file) as archive:
        assert [(match[1], content) for match, content in sources.members(archive, pattern)] == [("1", b"[1]")]
    monkeypatch.setattr(sources, "MAX_MEMBER_BYTES", 2)
    with tarfile.open(file) as archive, pytest.raises(sources.UnavailableError, match="too large"):
        list(sources.members(archive, pattern))


def test_a_package_is_refused_unless_it_is_the_one_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_BENCH_CACHE", str(tmp_path))
    write = "import pathlib; pathlib.Path('made-1.tgz').write_bytes(b'made')"
    package = sources.Package((sys.executable, "-c", write), "made-*.tgz", "0" * 64, "made 1")
    with pytest.raises(sources.UnavailableError, match="another file"):
        sources.fetched(package)
    right = package._replace(sha256="1" * 64)
    with pytest.raises(sources.UnavailableError, match="could not be fetched"):
        sources.fetched(right._replace(command=(sys.executable, "-c", "raise SystemExit(1)")))
    with pytest.raises(sources.UnavailableError, match="not installed"):
        sources.fetched(right._replace(command=("no-such-client",)))


def test_a_package_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_BENCH_CACHE", str(tmp_path))
    write = "import pathlib; pathlib.Path('made-1.tgz').write_bytes(b'')"
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    package = sources.Package((sys.executable, "-c", write), "made-*.tgz", empty, "made 1")
    first = sources.fetched(package)
    assert first.read_bytes() == b""
    assert sources.fetched(package._replace(command=("no-such-client",))) == first
    first.write_bytes(b"changed")
    with pytest.raises(sources.UnavailableError, match="delete it"):
        sources.fetched(package)


def test_manual_pages_lose_their_markup() -> None:
    page = '.\\" comment\n.TH LS 1\n.SH 名称\nls \\- 列出\\fB\\-a\\fP\n.PP\n'
    assert sources.roff_text(page) == "LS 1\n名称\nls - 列出-a"
