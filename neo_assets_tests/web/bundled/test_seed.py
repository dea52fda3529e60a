"""The seed is complete, unchanged, and its licences are there."""

from __future__ import annotations

from pathlib import Path

import pytest

import neo_assets
from neo_assets.web.bundled import seed

LICENCE_TEXTS = {
    "Expat": "MIT.txt",
    "MIT": "MIT.txt",
    "PSF-2.0": "PSF-2.0.txt",
    "Apache-2.0": "Apache-2.0.txt",
    "BSD-3-Clause": "BSD-3-Clause.txt",
    "CC-BY-4.0": "CC-BY-4.0.txt",
    "MPL-2.0": "MPL-2.0.txt",
}
FREE_OF_COPYRIGHT = ("public domain", "not copyrightable")
LICENSES = Path(neo_assets.__file__).parent.parent / "LICENSES"


def test_every_file_has_the_digest_of_the_manifest() -> None:
    assert seed.broken_files() == []
    assert len(seed.manifest()) == 160  # the seed as released


def test_no_file_lies_outside_the_manifest() -> None:
    own = {"MANIFEST.jsonl", "README.md", "__init__.py"}
    listed = {file.path for file in seed.manifest()}
    found = {str(path.relative_to(seed.SEED_FOLDER)) for path in seed.SEED_FOLDER.rglob("*") if path.is_file()}
    assert {path for path in found if "__pycache__" not in path} - listed == own


def test_broken_and_missing_files_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "MANIFEST.jsonl").write_bytes(seed.read_bytes("MANIFEST.jsonl"))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "heapq.py").write_bytes(seed.read_bytes("code/heapq.py"))
    (tmp_path / "code" / "bisect.py").write_bytes(seed.read_bytes("code/bisect.py") + b"\n")
    monkeypatch.setattr(seed, "SEED_FOLDER", tmp_path)
    broken = seed.broken_files()
    assert "code/heapq.py" not in broken
    assert {"code/bisect.py", "code/csv.py"} <= set(broken)


def test_every_licence_has_its_text() -> None:
    for licence in {file.licence for file in seed.manifest()}:
        if not licence.startswith(FREE_OF_COPYRIGHT):
            text = (LICENSES / LICENCE_TEXTS[licence]).read_text(encoding="utf-8")
            assert len(text) > 1000, licence


def test_every_source_is_credited() -> None:
    readme = (seed.SEED_FOLDER / "README.md").read_text(encoding="utf-8")
    for file in seed.manifest():
        package = file.source.rpartition(":")[2].split()[0]
        assert package in readme, file.path


def test_texts_are_parsed_whole() -> None:
    # Counts: the works themselves (61 chapters, preface and 14 stories) and the seed's own selection.
    assert len(seed.laws()) == 42
    assert sum(law.status == "历史版本" for law in seed.laws()) == 11
    assert len(seed.poems()) == 2000
    assert [len(seed.sanguo()), len(seed.nahan()), len(seed.pride_and_prejudice())] == [40, 15, 61]
    assert seed.nahan()[9].title == "孔乙己"
    assert seed.nahan()[9].paragraphs[0].startswith("鲁镇的酒店的格局，是和别处不同的")
    assert (
        seed.pride_and_prejudice()[0].paragraphs[0].startswith("It is a truth universally acknowledged, that a single")
    )
    assert not any("分节阅读" in paragraph for chapter in seed.nahan() for paragraph in chapter.paragraphs)
