"""The image's recipe. No builder is at hand where tests run, so what can be known without one is tested: what is copied
exists and is not ignored, versions are pinned and agree with ours, and the scripts inside do what they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from neo_assets_tests.helm.rendering import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
SCRIPTS = dict(re.findall(r"(?s)<<'SCRIPT' /(\w+)\n(.*?\n)SCRIPT\n", DOCKERFILE))
PLAIN = re.sub(r"(?s)(<<'SCRIPT' /\w+\n).*?\nSCRIPT\n", r"\1", DOCKERFILE)
LINES = [line for line in PLAIN.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _instructions(word: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in LINES if line.split()[0] == word]


def _stages() -> dict[str, str]:
    """The image that each stage is made from, arguments filled in."""
    arguments = dict(argument[0].split("=", 1) for argument in _instructions("ARG") if "=" in argument[0])
    filled = [
        [re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], word) for word in f] for f in _instructions("FROM")
    ]
    return {words[-1]: words[0] for words in filled}


def test_both_targets_are_there_and_bases_are_of_a_version() -> None:
    stages = _stages()
    assert {"cpu", "cuda"} <= set(stages)
    for base in set(stages.values()) - {"scratch"}:
        assert re.search(r":[\w.-]*\d+\.\d+", base), base
        assert "latest" not in base


def test_versions_are_ours() -> None:
    stages = _stages()
    makefile = (ROOT / "Makefile").read_text()
    uv = re.search(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert uv is not None
    assert stages["uv"] == f"ghcr.io/astral-sh/uv:{uv[1]}"
    arguments = dict(argument[0].split("=", 1) for argument in _instructions("ARG") if "=" in argument[0])
    assert arguments["VERSION"] == PROJECT["version"]
    assert arguments["PYTHON_VERSION"].startswith("3.11.")


def _ignored(path: str) -> bool:
    """Whether .dockerignore leaves the path out: the last rule that matches it, or a folder above it, decides."""
    ignored = False
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!")
        steps = Path(path).parts
        above = ["/".join(steps[:n]) for n in range(1, len(steps) + 1)]
        if pattern.startswith("**/"):
            matches = any(fnmatch(step, pattern[3:]) for step in steps)
        else:
            matches = any(fnmatch(one, pattern) and ("/" not in one or "/" in pattern) for one in above)
        if matches:
            ignored = not rule.startswith("!")
    return ignored


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    copied = [
        source
        for words in _instructions("COPY")
        if not any(word.startswith(("--from", "<<")) for word in words)
        for source in [word for word in words if not word.startswith("--")][:-1]
    ]
    assert set(copied) >= {"pyproject.toml", "requirements.lock", "neo_assets"}
    for source in copied:
        assert (ROOT / source).exists(), source
        assert not _ignored(source), source


@pytest.mark.parametrize(
    "path", [".git/HEAD", ".venv/bin/python", ".neo/lake/x", "neo_assets/__pycache__/a.pyc", ".env"]
)
def test_what_is_not_needed_is_ignored(path: str) -> None:
    assert _ignored(path)


def test_what_the_package_is_built_from_is_copied() -> None:
    """Else the build inside would fail: README and licences are part of the metadata."""
    copied = {word for words in _instructions("COPY") for word in words}
    assert {PROJECT["readme"], "LICENSE", "LICENSES"} <= copied
    assert {name.split("/")[0] for name in PROJECT["license-files"]} == {"LICENSE", "LICENSES"}


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_extras_exist_and_are_those_that_a_cluster_needs(stage: str) -> None:
    (found,) = re.findall(rf"AS {stage}-packages\n(?s:.*?)\binstall ([a-z0-9,-]*\bk8s\b[a-z0-9,-]*) (\w+)\n", PLAIN)
    extras = set(found[0].split(","))
    assert extras <= set(PROJECT["optional-dependencies"])
    assert extras >= {"train", "eval", "spark", "k8s", "s3", "postgres"}
    assert ("gpu" in extras) == (stage == "cuda") == (found[1].startswith("cu"))


def test_an_s3_log_manager_is_in_the_image_if_values_ask_for_one() -> None:
    values = yaml.safe_load((ROOT / "helm" / "neo-assets" / "values-production.yaml").read_text())
    if values["dagster"]["computeLogManager"]["type"] == "S3ComputeLogManager":
        assert any(requirement.startswith("dagster-aws") for requirement in PROJECT["optional-dependencies"]["s3"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_valid_shell(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(SCRIPTS[name])
    subprocess.run(["bash", "-n", str(file)], check=True)
    assert SCRIPTS[name].splitlines()[0] == "#!/bin/bash"
    assert "set -euo pipefail" in SCRIPTS[name]


def test_everything_that_runs_is_a_script_or_a_known_program() -> None:
    for words in _instructions("RUN"):
        line = [word for word in words if not word.startswith("--") and "=" not in word]
        assert line[0] in {*SCRIPTS, "apt-get"}, line


def test_packages_come_from_the_lock() -> None:
    assert "--constraint requirements.lock" in SCRIPTS["install"]
    assert "uv pip check" in SCRIPTS["install"]


def test_the_user_is_a_number_and_no_root() -> None:
    finals = PLAIN.split("\nFROM ${CPU_BASE} AS cpu\n")[1].split("\nFROM ")
    assert len(finals) == 2
    for final in finals:
        assert "USER 10001:10001" in final
        assert "org.opencontainers.image.version" in final
        assert "HEALTHCHECK" not in final
        assert 'ENTRYPOINT ["/opt/neo/entrypoint"]' in final
    values = yaml.safe_load((ROOT / "helm" / "neo-assets" / "values.yaml").read_text())
    assert values["compute"]["podSecurityContext"]["runAsUser"] == 10001
    assert "--uid 10001" in SCRIPTS["prepare"]
    assert values["global"]["dagsterHome"] in SCRIPTS["prepare"]


def test_both_targets_differ_in_their_base_only() -> None:
    cpu, cuda = PLAIN.split("\nFROM ${CPU_BASE} AS cpu\n")[1].split("\nFROM ${CUDA_BASE} AS cuda\n")
    assert cuda.replace("; with CUDA", "").replace("cuda-packages", "cpu-packages").strip() == cpu.strip()


def _entrypoint(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """Lines that a program saw, run by the image's entry point with our Python on the path."""
    script = folder / "entrypoint"
    script.write_text(SCRIPTS["entrypoint"])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["bash", str(script), *arguments]
    clean = {"PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        command, env=clean, check=True, capture_output=True, text=True, cwd=folder
    ).stdout.splitlines()


def test_the_entry_point_runs_what_it_is_given(tmp_path: Path) -> None:
    assert _entrypoint(tmp_path, "printf", "%s|", "two words", "") == ["two words||"]


def test_the_entry_point_starts_an_executor_as_spark_asks(tmp_path: Path) -> None:
    """A java of ours prints its arguments."""
    pytest.importorskip("pyspark")
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        "#!/bin/sh\n"
        '[ "$1" = -XshowSettings:properties ] && { echo "java.specification.version = 17" >&2;'
        f' echo "java.home = {tmp_path}/jdk" >&2; exit; }}\n'
        "printf '%s\\n' \"$@\"\n"
    )
    java.chmod(0o755)
    told = {
        "SPARK_DRIVER_URL": "spark://driver@10.0.0.1:7078",
        "SPARK_EXECUTOR_ID": "3",
        "SPARK_EXECUTOR_CORES": "2",
        "SPARK_EXECUTOR_MEMORY": "1g",
        "SPARK_APPLICATION_ID": "spark-1",
        "SPARK_EXECUTOR_POD_IP": "10.0.0.2",
        "SPARK_RESOURCE_PROFILE_ID": "0",
        "SPARK_EXECUTOR_POD_NAME": "exec-3",
        **{f"SPARK_JAVA_OPT_{n}": f"-Dkey{n}=a=b c" for n in (10, 2, 0, 1)},
    }
    lines = _entrypoint(tmp_path, "executor", JAVA_HOME=str(tmp_path / "jdk"), **told)
    assert lines[:6] == [*(f"-Dkey{n}=a=b c" for n in (0, 1, 2, 10)), "-Xms1g", "-Xmx1g"]
    assert lines[8] == "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    options = dict(zip(lines[9::2], lines[10::2], strict=True))
    assert options["--driver-url"] == told["SPARK_DRIVER_URL"]
    assert options["--podName"] == "exec-3"
    assert lines[7].endswith("/pyspark/jars/*")


def test_numba_finds_the_image_s_cache_on_another_machine(tmp_path: Path) -> None:
    """With whole seconds as file times, and for the named type of CPU, a copy of the cache is used as it is."""
    environment = dict(re.findall(r"(NUMBA_CPU_\w+)=(\S*)", PLAIN.split("AS cpu\n")[1].split("\nFROM ")[0]))
    environment = {key: value.strip('"') for key, value in environment.items()}
    assert environment == {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}
    if os.uname().machine != "x86_64":
        pytest.skip("the image is built for x86-64")
    module = tmp_path / "loop.py"
    module.write_text(
        "from neo_assets.compiled import compiled\n\n@compiled()\ndef total(n):\n    s = 0\n    for i in range(n):\n"
        "        s += i\n    return s\n\nif __name__ == '__main__':\n    print(total(10))\n    print(total.stats)\n"
    )
    os.utime(module, (1577836800, 1577836800))
    told = {**os.environ, **environment, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    output = [
        subprocess.run([sys.executable, str(module)], env=told, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert all(text.startswith("45\n") for text in output)
    assert "cache_hits={}" in output[0].replace("Counter()", "{}")
    assert "cache_misses={}" in output[1].replace("Counter()", "{}")
