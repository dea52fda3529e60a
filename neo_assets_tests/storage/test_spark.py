"""The Spark engine on a lake in a bucket, its scratch space there too: the local engine's content, nothing left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets_tests.e2e.conftest import everything as everything
from neo_assets_tests.e2e.small import ROOT, Checkout
from neo_assets_tests.spark.sessions import QUICK
from neo_assets_tests.storage.proxy import Proxy
from neo_assets_tests.storage.small import InBucket

pytestmark = [pytest.mark.slow, pytest.mark.needs("spark")]


def scratch_left(lake: Lake, proxy: Proxy) -> list[str]:
    """What is left of the scratch space, which was used."""
    assert any(request.method == "PUT" and "/.scratch/" in request.path for request in proxy.seen)
    return lake.store.files(".scratch")


def test_executors_fetch_what_kernels_name_by_path(
    root: str, proxy: Proxy, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lake = Lake(root)
    model = lake.writer("area/model", None)
    model.file("words.txt", b"a c e")
    model.commit(Provenance())
    source = lake.writer("area/source", None)
    source.table(pa.table({"word": list("abcdef") * 5}), part_rows=7)
    source.commit(Provenance())
    environment.setenv("TMPDIR", str(tmp_path))
    program = "from neo_assets_tests.storage.on_spark import main; import sys; main(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", program, root], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stdout + done.stderr
    reads = [request for request in proxy.seen if request.method == "GET" and request.path.endswith("/words.txt")]
    assert len(reads) == 2, "by the driver, and by the first of the executor's processes"
    judged = lake.dataset("area/judged")
    assert judged.read()["word"].to_pylist() == [word for word in "eca" for _ in range(5)]
    assert judged.named("decisions").rows == 15
    assert scratch_left(lake, proxy) == []


def test_a_judged_asset_has_the_local_engine_s_digests(
    everything: Checkout, root: str, proxy: Proxy, tmp_path: Path
) -> None:
    """Annotations by models that are fetched, verdicts on them, and SQL over all sources that removes duplicates."""
    read = [
        f"english/{name}" for name in ("normalized", "perplexity_model", "importance_model", "reference_classifier")
    ]
    made = ["english/annotated", "english/filtered", "english/exact_unique"]
    checkout = InBucket.like(everything, root, tmp_path / "small", read)
    properties = tmp_path / "spark.conf"
    properties.write_text("".join(f"{key} {value}\n" for key, value in QUICK.items()))
    settings = {
        "NEO_ENGINE": "spark", "NEO_SPARK_MASTER": "local[2]", "NEO_SPARK_PROPERTIES": str(properties),
        "NEO_SCRATCH": f"{root}/.scratch", "TMPDIR": str(tmp_path),
    }  # fmt: skip
    selection = " or ".join(f'key:"{asset}"' for asset in made)
    done = subprocess.run(
        checkout.command("build", selection, "--no-upstream"),
        cwd=ROOT, env=checkout.environment() | settings, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in (Checkout.digests, Checkout.decision_digests):
        expected = {key: digest for key, digest in kind(everything).items() if key.split("|")[0] in (*read, *made)}
        assert kind(checkout) == expected
    manifests = [manifest for asset in made for manifest in checkout.lake.whole(asset).manifests]
    assert {manifest.provenance.engine for manifest in manifests} == {"spark"}
    assert scratch_left(checkout.lake, proxy) == []
