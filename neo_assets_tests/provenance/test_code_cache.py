from __future__ import annotations

import json
from pathlib import Path

import pytest

from neo_assets.provenance import code_cache
from neo_assets.provenance.code_cache import CodeCache


def test_entries_are_found_by_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "new" / "cache.json"
    cache = CodeCache(file)
    assert cache.get("a") is None
    cache.save()
    assert not file.exists()
    cache.put("a", {"digest": "1"})
    cache.save()
    assert CodeCache(file).get("a") == {"digest": "1"}
    assert [path.name for path in file.parent.iterdir()] == ["cache.json"]


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"3", b"\xff\xfe"])
def test_a_damaged_file_counts_as_empty(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "cache.json"
    file.write_bytes(data)
    cache = CodeCache(file)
    assert cache.get("a") is None
    cache.put("a", 1)
    cache.save()
    assert json.loads(file.read_text()) == {"a": 1}


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = CodeCache(tmp_path / "file" / "cache.json")
    cache.put("a", 1)
    cache.save()
    assert cache.get("a") == 1


def test_what_is_no_longer_used_goes_when_there_is_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cache, "MOST_ENTRIES", 3)
    file = tmp_path / "cache.json"
    for process in range(5):
        cache = CodeCache(file)
        cache.get("kept")
        cache.put("kept" if process == 0 else f"edited {process}", process)
        cache.save()
    assert set(json.loads(file.read_text())) == {"kept", "edited 3", "edited 4"}
