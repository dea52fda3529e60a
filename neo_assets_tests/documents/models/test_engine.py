"""paddleocr, imported quietly and without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neo_assets.documents.models import ModelError
from neo_assets.documents.models.engine import options, paddle_name


@pytest.mark.needs("documents")
def test_importing_says_nothing_and_writes_to_the_cache_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys\nfrom neo_assets.documents.models.engine import paddleocr\n"
        "assert paddleocr().LayoutDetection and paddleocr() is paddleocr()\n"
        "assert not [name for name in ('torch', 'modelscope', 'transformers') if name in sys.modules]\n"
    )
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "NEO_MODELS": str(tmp_path / "cache" / "models")}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, cwd=Path.cwd()
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(home.iterdir()) == []
    assert (tmp_path / "cache" / "paddlex").is_dir()


def test_the_architecture_is_read_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "inference.yml").write_text("Global:\n  model_name: PP-DocLayout_plus-L\n")
    assert paddle_name(tmp_path) == "PP-DocLayout_plus-L"


@pytest.mark.parametrize("text", ["", "Global: {}\n", "a: [\n", "!!python/object/apply:os.system ['true']\n"])
def test_a_useless_configuration_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "inference.yml").write_text(text)
    with pytest.raises(ModelError, match=r"inference\.yml .*: use the file that came with the model"):
        paddle_name(tmp_path)


def test_the_engine_follows_the_files(tmp_path: Path) -> None:
    assert options(tmp_path)["engine"] == "paddle_static"
    (tmp_path / "inference.onnx").touch()
    given = options(tmp_path)
    assert given["engine"] == "onnxruntime"
    assert given["engine_config"]["intra_op_num_threads"] == 1
