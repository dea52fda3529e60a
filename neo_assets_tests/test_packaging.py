"""The package as others get it: a wheel that holds its data, licences for all of it, and a Makefile that works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_SEED = {"MANIFEST.jsonl", "README.md", "__init__.py"}
SAME_LICENCE = {"Expat": "MIT"}  # Debian's name for it


def run(*command: str, **options: object) -> str:
    """Standard output of a command in the repository; its standard error is in the failure's message."""
    result = subprocess.run(command, cwd=options.pop("cwd", ROOT), capture_output=True, text=True, **options)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


def files_below(folder: Path) -> set[str]:
    """Every file but Python's and numba's caches, relative to the folder's parent."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, without network."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("LICENSES", "neo_assets"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    name = run(sys.executable, "-c", build, str(source), cwd=source).split()[-1]
    return source / name


def test_a_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("neo_assets/")}
    assert packed == files_below(ROOT / "neo_assets")


def test_a_wheel_carries_the_licence_texts_and_the_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    info = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
    texts = {name.removeprefix(f"{info}/licenses/") for name in archive.namelist() if "/licenses/" in name}
    assert texts == {"LICENSE"} | files_below(ROOT / "LICENSES")
    assert "neo = neo_assets.cli:main" in archive.read(f"{info}/entry_points.txt").decode()


def test_recipes_load_from_an_unpacked_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import neo_assets.recipe.recipe as recipe; print(recipe.__file__, recipe.load_recipe().name)"
    where, name = run(sys.executable, "-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}).split()
    assert Path(where).is_relative_to(tmp_path)
    assert name == "mini"


def test_every_seed_file_is_listed_and_its_licence_text_is_there() -> None:
    seed = ROOT / "neo_assets" / "seed"
    rows = [json.loads(line) for line in (seed / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()]
    listed = {row["path"] for row in rows}
    assert listed == {name.removeprefix("seed/") for name in files_below(seed)} - NOT_SEED
    named = {word for row in rows for word in re.findall(r"Expat|MIT|[A-Z][A-Z-]+[\d.-]+\d[\w-]*", row["licence"])}
    texts = {Path(name).stem for name in files_below(ROOT / "LICENSES")}
    assert named
    assert {SAME_LICENCE.get(name, name) for name in named} <= texts


def test_the_project_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


@pytest.mark.parametrize("target", ["install", "demo", "test", "test-fast", "ui", "lint", "lock", "clean", "help"])
def test_make_plans_every_documented_target(target: str) -> None:
    assert run("make", "--dry-run", target)
    assert f"make {target} " in run("make", "--no-print-directory", "help")


def test_make_installs_cpu_torch_unless_told_otherwise(tmp_path: Path) -> None:
    """Only the install line is looked at: what it installs is a matter of minutes and of the machine."""
    makefile = ["make", "--dry-run", "--always-make", "install", f"VENV={tmp_path}/venv"]
    plain = {name: value for name, value in os.environ.items() if name not in ("PIP_FIND_LINKS", "UV_FIND_LINKS")}
    no_gpu = {**plain, "PATH": "/usr/bin:/bin"}
    if shutil.which("nvidia-smi", path=no_gpu["PATH"]) is None:
        assert "--torch-backend=cpu" in run(*makefile, env=no_gpu)
    gpu = tmp_path / "nvidia-smi"
    gpu.write_text("#!/bin/sh\n")
    gpu.chmod(0o755)
    assert "--torch-backend=auto" in run(*makefile, env={**plain, "PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert "--torch-backend" not in run(*makefile, env={**plain, "PIP_FIND_LINKS": str(tmp_path)})


def test_make_says_in_one_line_that_python_is_missing(tmp_path: Path) -> None:
    """A `python3` of another version is no substitute."""
    for name in ("python3", "python3.11"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    of_another_make = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    environment = {name: value for name, value in os.environ.items() if name not in of_another_make}
    result = subprocess.run(
        ["make", "--no-print-directory", "install", f"VENV={tmp_path}/venv"],
        cwd=ROOT,
        env={**environment, "PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert result.stderr.splitlines()[0].startswith("error: Python 3.11 was not found")
    assert not (tmp_path / "venv").exists()


def test_the_lock_pins_every_declared_dependency() -> None:
    """Names and versions only, so that one lock serves the CPU and the CUDA build of PyTorch."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(name for extra in extras for name in extra)]
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lock)
    pins = dict(line.split("==") for line in lock)
    for requirement in declared:
        name, _, version = requirement.partition("==")
        name = re.split(r"[\[<>=; ]", name)[0].lower()
        assert name in pins
        assert not version or pins[name] == version
