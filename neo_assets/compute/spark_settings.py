"""What a Spark session is told: our own settings by the kind of its master, and those of an operator laid over them."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from neo_assets.compute.protocol import SettingError
from neo_assets.lake.lake import Lake

MASTER, PROPERTIES, SCRATCH = "NEO_SPARK_MASTER", "NEO_SPARK_PROPERTIES", "NEO_SCRATCH"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the namespace, certificate and token of its service account."""

ARROW_BATCH_BYTES = 64 * 2**20

_SAME_ROWS = {
    # Statements mean what they mean to DuckDB: overflow and bad casts are errors, and "x" is a column.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.session.timeZone": "UTC",
    # Plans that share work may take a union for divided as its parts are when it is not (Spark 4.3: "Can't zip RDDs").
    "spark.sql.unionOutputPartitioning": "false",
}
_EVERYWHERE = {
    "spark.app.name": "neo-assets",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(ARROW_BATCH_BYTES),
    # Parts are read through Arrow, from a store that is as near to one machine as to the other.
    "spark.locality.wait": "0s",
}
_LOOPBACK = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


class SparkSettingsError(SettingError):
    """A setting that cannot be followed: names it, and says what to do."""


@dataclass(frozen=True)
class SparkSettings:
    """Where Spark runs and how.

    Attributes:
        master: as Spark names it: `local[*]`, `spark://host:7077`, `k8s://https://host:6443`.
        scratch: folder or URI of intermediate results, which driver and executors see; empty for a temporary folder.
        memory: heap of the session's own Java, such as `4GB`: on one machine that is all of Spark.
        properties: an operator's, laid over ours.
    """

    master: str = "local[*]"
    scratch: str = ""
    memory: str = "1GB"
    properties: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, lake: Lake, memory: str = "1GB") -> SparkSettings:
        """As `NEO_SPARK_MASTER`, `NEO_SPARK_PROPERTIES` and `NEO_SCRATCH` say.

        Without them: on this machine, with as many tasks at a time as `NEO_WORKERS` or as there are processors, and
        scratch in a temporary folder; for any other master in the folder `.scratch` of the lake.

        Raises:
            SparkSettingsError: a master of no kind we know, or properties that cannot be read or followed.
        """
        master = os.environ.get(MASTER) or f"local[{os.environ.get('NEO_WORKERS') or '*'}]"
        if not re.fullmatch(r"local\[(\*|[1-9]\d*)(,\d+)?\]|spark://\S+|k8s://\S+", master):
            raise SparkSettingsError(
                f"{MASTER}={master}: give local[*], local[2], spark://host:7077 or k8s://https://host:6443"
            )
        file = os.environ.get(PROPERTIES)
        properties = read_properties(Path(file)) if file else {}
        scratch = os.environ.get(SCRATCH) or ("" if master.startswith("local") else lake.store.below(".scratch").root)
        return cls(master, scratch, memory, properties)

    @property
    def is_local(self) -> bool:
        """Whether Spark is this machine alone, inside the session's own Java."""
        return self.master.startswith("local")

    def configuration(self) -> dict[str, str]:
        """Every Spark property of the session. None of them is secret: Spark shows them in its UI and logs."""
        return {**_SAME_ROWS, **_EVERYWHERE, "spark.master": self.master, **self._of_master(), **self.properties}

    def _of_master(self) -> dict[str, str]:
        if self.is_local:
            most = re.findall(r"\d+", self.master)[:1]
            tasks = int(most[0]) if most else os.cpu_count() or 1
            return {
                **_LOOPBACK,
                "spark.driver.memory": f"{_mebibytes(self.memory)}m",
                "spark.sql.shuffle.partitions": str(4 * tasks),
            }
        if self.master.startswith("k8s://"):
            return _in_cluster(self.master.removeprefix("k8s://"))
        host = urlsplit(self.master.split(",")[0]).hostname or ""
        return _LOOPBACK if host in {"localhost", "::1"} or host.startswith("127.") else {}


def _in_cluster(api: str) -> dict[str, str]:
    """Client mode, from the pod of a run or from any machine that the cluster's pods can reach."""
    found = urlsplit(api if "://" in api else f"https://{api}")
    address = _address_towards(found.hostname or "", found.port or 443)
    settings = {
        "spark.driver.host": address,
        "spark.driver.bindAddress": address,
        # Less to be allowed to do: neither config maps nor volume claims are made.
        "spark.kubernetes.executor.disableConfigMap": "true",
        "spark.kubernetes.driver.ownPersistentVolumeClaim": "false",
        "spark.kubernetes.driver.reusePersistentVolumeClaim": "false",
    }
    if (ACCOUNT / "namespace").is_file():
        settings |= {
            "spark.kubernetes.namespace": (ACCOUNT / "namespace").read_text().strip(),
            "spark.kubernetes.authenticate.caCertFile": str(ACCOUNT / "ca.crt"),
            "spark.kubernetes.authenticate.oauthTokenFile": str(ACCOUNT / "token"),
            # Executors belong to this pod: they go with it, however it ends.
            "spark.kubernetes.driver.pod.name": os.environ.get("HOSTNAME") or socket.gethostname(),
        }
    return settings


def _address_towards(host: str, port: int) -> str:
    """This machine's address on the way to that one (in a pod: the pod's). Nothing is sent."""
    try:
        family, kind, *_, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise SparkSettingsError(f"{MASTER}: no way to {host}:{port} ({error})") from error


def read_properties(path: Path) -> dict[str, str]:
    """The properties of a file like `spark-defaults.conf`: a key and its value a line, `#` begins a comment line.

    Raises:
        SparkSettingsError: the file or a line of it cannot be read, or it sets what decides the rows that come out.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SparkSettingsError(f"{PROPERTIES}: {path} cannot be read ({error})") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        key, *value = re.split(r"\s*[=:]\s*|\s+", line.strip(), maxsplit=1)
        if not key.startswith("spark.") or not value:
            raise SparkSettingsError(f"{path}, line {number}: not `spark.… value`: {key}")
        if key == "spark.master":
            raise SparkSettingsError(f"{path}, line {number}: the master is set by {MASTER}")
        if found.get(key, value[0]) != value[0]:
            raise SparkSettingsError(f"{path}, line {number}: {key} has another value above")
        if _SAME_ROWS.get(key, value[0]) != value[0]:
            raise SparkSettingsError(
                f"{path}, line {number}: {key} must be {_SAME_ROWS[key]}, or the rows would differ"
            )
        found[key] = value[0]
    return found


def _mebibytes(size: str) -> int:
    number, unit = size[:-2], size[-2:]
    return max(512, int(float(number) * {"MB": 1, "GB": 1024, "TB": 1024**2}[unit]))
