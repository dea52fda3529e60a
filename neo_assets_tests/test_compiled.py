"""Each case runs in a process of its own: whether Numba is loaded is a fact of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = """
from neo_assets.compiled import compiled

@compiled(inline="always")
def double(x: int) -> int:
    return 2 * x

@compiled()
def quadruple(x: int) -> int:
    return double(double(x))
"""
USER = """
import sys
from library import quadruple
assert "numba" not in sys.modules
print(quadruple(3))
import library
print(type(library.double).__name__, library.quadruple(5), quadruple is library.quadruple)
"""


def run(folder: Path, code: str, **variables: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), **variables}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    return result.stdout.split()


def test_functions_are_compiled_on_the_first_call(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(LIBRARY)
    assert run(tmp_path, USER, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == ["12", "CPUDispatcher", "20", "True"]
    assert any((tmp_path / "cache").rglob("*.nbi"))


def test_a_module_loaded_later_is_compiled_too(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(LIBRARY)
    (tmp_path / "later.py").write_text(
        "from neo_assets.compiled import compiled\nfrom library import double\n"
        "@compiled()\ndef triple(x: int) -> int:\n    return double(x) + x\n"
    )
    code = "import library; library.double(1); from later import triple; print(triple(4))"
    assert run(tmp_path, code, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == ["12"]


@pytest.mark.parametrize("module", ["hashing", "text/classes"])
def test_the_cache_folder_follows_the_sources(module: str, tmp_path: Path) -> None:
    package = tmp_path / "neo_assets"
    (package / "text").mkdir(parents=True)
    (package / "__pycache__").mkdir()
    for name in ("__init__", "compiled", "hashing", "text/__init__", "text/classes", "text/phrases"):
        source = Path(__file__).parents[1] / "neo_assets" / f"{name}.py"
        (package / f"{name}.py").write_bytes(source.read_bytes() if source.exists() else b"")
    code = "from neo_assets.compiled import _cache_folder; print(_cache_folder())"
    [before] = run(tmp_path, code, NUMBA_CACHE_DIR="")
    assert before.startswith(str(package / "__pycache__" / "compiled-"))
    assert run(tmp_path, code, NUMBA_CACHE_DIR="") == [before]
    (package / f"{module}.py").write_bytes((package / f"{module}.py").read_bytes() + b"\n# another version\n")
    assert run(tmp_path, code, NUMBA_CACHE_DIR="") != [before]
