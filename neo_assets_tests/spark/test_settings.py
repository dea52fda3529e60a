"""What a session is told, by the kind of its master, and what an operator may change of it."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from neo_assets.compute import spark_settings
from neo_assets.compute.spark_settings import SparkSettings, SparkSettingsError, read_properties
from neo_assets.lake.lake import Lake

LAKE = Lake("s3://bucket/lake")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEO_SPARK_MASTER", "NEO_SPARK_PROPERTIES", "NEO_SCRATCH", "NEO_WORKERS"):
        monkeypatch.delenv(name, raising=False)


def test_by_default_this_machine_with_scratch_in_a_temporary_folder() -> None:
    settings = SparkSettings.from_environment(LAKE, "4GB")
    assert (settings.master, settings.scratch) == ("local[*]", "")
    told = settings.configuration()
    assert told["spark.driver.memory"] == "4096m"
    assert told["spark.driver.host"] == told["spark.driver.bindAddress"] == "127.0.0.1"
    assert told["spark.ui.enabled"] == "false"


def test_workers_are_tasks_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_WORKERS", "3")
    settings = SparkSettings.from_environment(LAKE)
    assert settings.master == "local[3]"
    assert settings.configuration()["spark.sql.shuffle.partitions"] == "12"


@pytest.mark.parametrize("master", ["spark://127.0.0.1:7077", "spark://10.0.0.7:7077", "k8s://https://127.0.0.1:6443"])
def test_elsewhere_scratch_is_in_the_lake_unless_set(monkeypatch: pytest.MonkeyPatch, master: str) -> None:
    monkeypatch.setenv("NEO_SPARK_MASTER", master)
    assert SparkSettings.from_environment(LAKE).scratch == "s3://bucket/lake/.scratch"
    monkeypatch.setenv("NEO_SCRATCH", "/shared")
    assert SparkSettings.from_environment(LAKE).scratch == "/shared"


def test_only_a_cluster_on_loopback_is_answered_there() -> None:
    on_loopback = SparkSettings("spark://127.0.0.1:7077").configuration()
    assert on_loopback["spark.driver.bindAddress"] == "127.0.0.1"
    assert "spark.driver.bindAddress" not in SparkSettings("spark://10.0.0.7:7077").configuration()


@pytest.mark.parametrize("master", ["yarn", "local[0]", "local[two]", "spark://", "mesos://a:1", "127.0.0.1:7077"])
def test_a_master_of_no_known_kind_is_refused(monkeypatch: pytest.MonkeyPatch, master: str) -> None:
    monkeypatch.setenv("NEO_SPARK_MASTER", master)
    with pytest.raises(SparkSettingsError, match=f"NEO_SPARK_MASTER={re.escape(master)}: give local"):
        SparkSettings.from_environment(LAKE)


def test_in_a_pod_executors_belong_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in (("namespace", "neo\n"), ("ca.crt", "certificate"), ("token", "much too secret")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(spark_settings, "ACCOUNT", tmp_path)
    monkeypatch.setenv("HOSTNAME", "run-abc")
    told = SparkSettings("k8s://https://127.0.0.1:6443").configuration()
    assert told["spark.kubernetes.namespace"] == "neo"
    assert told["spark.kubernetes.driver.pod.name"] == "run-abc"
    assert told["spark.driver.host"] == "127.0.0.1", "the address on the way to the API server"
    assert told["spark.kubernetes.authenticate.oauthTokenFile"] == str(tmp_path / "token")
    assert "much too secret" not in str(told)


def test_outside_a_cluster_nothing_is_said_of_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spark_settings, "ACCOUNT", tmp_path)
    told = SparkSettings("k8s://https://127.0.0.1:6443").configuration()
    assert not [key for key in told if "authenticate" in key or "pod.name" in key]


def test_an_api_server_that_cannot_be_found_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(spark_settings.socket, "getaddrinfo", unknown)
    with pytest.raises(SparkSettingsError, match=r"no way to kube\.test:443 \(.*not known"):
        SparkSettings("k8s://https://kube.test").configuration()


def test_an_operators_properties_lie_over_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "spark.conf"
    file.write_text(
        "# memory\nspark.executor.memory 2g\n\n  spark.driver.memory=8g\n"
        "spark.executor.extraJavaOptions -XX:+UseSerialGC -Da=b\nspark.sql.session.timeZone UTC\n"
    )
    monkeypatch.setenv("NEO_SPARK_PROPERTIES", str(file))
    told = SparkSettings.from_environment(LAKE).configuration()
    assert told["spark.executor.memory"] == "2g"
    assert told["spark.driver.memory"] == "8g"
    assert told["spark.executor.extraJavaOptions"] == "-XX:+UseSerialGC -Da=b"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("executor.memory 2g", "line 1: not `spark"),
        ("\nspark.executor.memory", "line 2: not `spark"),
        ("spark.master local[4]", "set by NEO_SPARK_MASTER"),
        ("spark.sql.session.timeZone Asia/Shanghai", "must be UTC, or the rows would differ"),
        ("spark.sql.ansi.enabled false", "must be true"),
        ("spark.cores.max 1\nspark.cores.max 2", "line 2: spark.cores.max has another value above"),
    ],
)
def test_properties_that_cannot_be_followed_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "spark.conf"
    file.write_text(text)
    with pytest.raises(SparkSettingsError, match=re.escape(fault)):
        read_properties(file)


def test_a_file_of_properties_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SparkSettingsError, match=r"NEO_SPARK_PROPERTIES: .*gone cannot be read"):
        read_properties(tmp_path / "gone")
