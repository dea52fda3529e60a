"""The whole line, from crawl to release: built twice, explained, changed in one threshold."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from neo_assets_tests.e2e.small import Checkout, small_recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(everything: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Everything, built by one worker, to be changed by these tests."""
    return everything.copy(tmp_path_factory.mktemp("one") / "checkout")


def test_two_workers_elsewhere_give_the_same_digests(built: Checkout, tmp_path: Path) -> None:
    other = Checkout.make(tmp_path / "another" / "place", small_recipe())
    other.build_everything(workers=2)
    assert other.digests() == built.digests()
    assert other.decision_digests() == built.decision_digests()
    assert any(name.startswith("training/checkpoint|") for name in built.digests())


def test_a_second_build_makes_nothing(built: Checkout) -> None:
    assert built.neo("build").startswith("0 of ")


def test_every_stage_is_conserved(built: Checkout) -> None:
    lake = built.lake
    manifests = [m for asset in lake.assets() for m in lake.dataset(asset, lake.partitions(asset)).manifests]
    judged = [m for m in manifests if m.counts]
    assert len(judged) > 10
    assert [m.asset for m in judged if m.counts and not m.counts.balanced] == []


def test_the_loss_falls_and_scores_stand_beside_chance(built: Checkout) -> None:
    losses = built.lake.dataset("training/metrics").read()["loss"].to_pylist()
    assert losses[-1] < losses[0] - 0.25  # measured: 0.29 in a few dozen steps
    report = built.lake.dataset("evaluation/report", ["ckpt_003"]).read().to_pylist()
    assert {row["task"] for row in report} == {"zh_xiehouyu", "code_held_out"}
    assert all(row["baseline"] is not None for row in report)


def test_released_weights_are_the_trained_ones(built: Checkout) -> None:
    weights = built.lake.dataset("release/weights")
    assert weights.metadata["largest logit difference"] == 0.0
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(weights.manifest.files)
    manifest = json.loads(built.lake.dataset("release/manifest").file("manifest.json").read_text())
    upstream = {(row["asset"], row["partition"]): row["digest"] for row in manifest["upstream"]}
    for name, digest in built.digests().items():
        asset, _, partition = name.partition("|")
        if asset in {"training/checkpoint", "chinese/near_unique", "crawl/pages"}:
            assert upstream[asset, partition] == digest


def test_personal_data_is_replaced_before_training(built: Checkout) -> None:
    lake = built.lake
    [found] = lake.dataset("corpus/statistics").named("pii").read().to_pylist()
    assert found == {"subset": "code", "kind": "email", "places": 1, "documents": 1}
    before, after = (
        "".join(lake.dataset(f"corpus/{stage}", ["code"]).read(["text"])["text"].to_pylist())
        for stage in ("subset", "decontaminated")
    )
    # Python's textwrap.py names its author.
    assert "Greg Ward <gward@python.net>" in before and "gward@" not in after and "Greg Ward <<EMAIL>>" in after


def test_why_explains_kept_filtered_and_duplicate_documents(built: Checkout) -> None:
    lake = built.lake
    chunks = lake.dataset("training/chunk", lake.partitions("training/chunk"))
    trained = {url for batch in chunks.named("spans").batches(["url"]) for url in batch["url"].to_pylist()}
    unique = lake.dataset("chinese/near_unique", lake.partitions("chinese/near_unique")).read(["url"])
    told = built.neo("why", next(url for url in unique["url"].to_pylist() if url in trained))
    assert all(f"kept        {stage} " in told for stage in ("chinese/near_unique", "release/exposure_index"))
    assert "tokens      training/chunk chunk_" in told
    days = lake.partitions("chinese/filtered")
    filtered = lake.dataset("chinese/filtered", days).named("decisions").read().to_pylist()
    assert filtered, "the small web should hold a page that fails a rule"
    told = built.neo("why", filtered[0]["url"])
    assert f"rejected    chinese/filtered {filtered[0]['doc_id'][:10]}" in told and filtered[0]["rule"] in told
    duplicates = [
        row
        for stage in ("exact_unique", "near_unique")
        for row in lake.dataset(f"chinese/{stage}", days).named("decisions").read().to_pylist()
    ]
    assert duplicates, "the small web should hold a duplicate"
    told = built.neo("why", duplicates[0]["doc_id"])
    assert "duplicate of http://" in told and duplicates[0]["survivor"] in told


def test_one_threshold_makes_exactly_what_is_downstream_stale(built: Checkout) -> None:
    before = built.digests()
    recipe = small_recipe()
    recipe["chinese"]["rules"]["characters"] = {"minimum": 400, "maximum": 50_000}
    built.write_recipe(recipe)
    try:
        told = built.neo("status")
        assert "recipe changed" in told and "chinese.rules.characters.minimum 50.0 → 400.0" in " ".join(told.split())
        rows = {line.split("│")[1].strip(): line for line in told.splitlines() if line.startswith("│ ")}
        unaffected = [name for name in rows if name.startswith(("crawl/", "english/"))]
        assert unaffected and all(rows[name].split("│")[4].strip() == "" for name in unaffected)
        assert rows["chinese/normalized"].split("│")[4].strip() == ""
        assert rows["chinese/filtered"].split("│")[4].strip() == "2"
        built.neo("build", "chinese/near_unique")
        after = built.digests()
        changed = {name for name in after if after[name] != before[name]}
        assert changed and changed <= {
            f"chinese/{stage}|{day}"
            for stage in ("filtered", "bloom", "exact_unique", "signatures", "bands", "pairs", "near_unique")
            for day in ("2024-11-01", "2024-11-02")
        }
    finally:
        built.write_recipe(small_recipe())
    built.neo("build", "chinese/near_unique")
    assert built.digests() == before


@pytest.mark.parametrize("index", ["bands", "bloom"])
def test_a_damaged_index_is_refused_with_what_to_rebuild(built: Checkout, index: str) -> None:
    before, day = built.digests(), "2024-11-01"
    manifest = built.lake.dataset(f"chinese/{index}", [day]).manifest
    file = manifest.tables["rows"].parts[0].path if manifest.tables else manifest.files["filter.bloom"].path
    path = Path(built.lake.store.absolute(file))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    reader = ("build", f"chinese/{'pairs' if index == 'bands' else 'exact_unique'}", "--force", "--no-upstream")
    done = subprocess.run(built.command(*reader), env=built.environment(), capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert built.digests() == before
    remedy = f"neo build chinese/{index} --partition {day} --force --no-upstream"
    assert remedy in " ".join(done.stderr.split())
    built.neo(*remedy.split()[1:])
    built.neo(*reader)
    assert built.digests() == before


def test_bad_recipes_are_refused_in_one_line(built: Checkout) -> None:
    recipe = small_recipe()
    recipe["chinese"]["rulez"] = {}
    path = built.folder / "wrong.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True))
    done = subprocess.run(built.command("recipe", str(path)), env=built.environment(), capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "chinese.rulez: unknown key" in done.stderr and "did you mean 'rules'?" in done.stderr
