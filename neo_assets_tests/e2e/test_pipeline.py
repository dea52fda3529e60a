"""The whole line, from crawl to release: explained, changed in one threshold, damaged, mended."""

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
    first, last = losses[:3], losses[6:]  # a dozen steps; texts of a step are easier or harder by as much as it learns
    assert sum(last) / len(last) < sum(first) / len(first) - 0.25  # measured: 0.56
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
    kept = next(url for url in unique["url"].to_pylist() if url in trained)
    days = lake.partitions("chinese/filtered")
    filtered = lake.dataset("chinese/filtered", days).named("decisions").read().to_pylist()
    assert filtered, "the small web should hold a page that fails a rule"
    duplicates = [
        row
        for stage in ("exact_unique", "near_unique")
        for row in lake.dataset(f"chinese/{stage}", days).named("decisions").read().to_pylist()
    ]
    assert duplicates, "the small web should hold a duplicate"
    asked = kept, filtered[0]["url"], duplicates[0]["doc_id"]
    of_kept, of_filtered, of_duplicate = built.several(*(["why", document] for document in asked))
    assert {told.status for told in (of_kept, of_filtered, of_duplicate)} == {0}
    stages = ("chinese/near_unique", "release/exposure_index")
    assert all(f"kept        {stage} " in of_kept.output for stage in stages)
    assert "tokens      training/chunk chunk_" in of_kept.output
    rejected = f"rejected    chinese/filtered {filtered[0]['doc_id'][:10]}"
    assert rejected in of_filtered.output and filtered[0]["rule"] in of_filtered.output
    assert "duplicate of http://" in of_duplicate.output and duplicates[0]["survivor"] in of_duplicate.output


def test_one_threshold_makes_exactly_what_is_downstream_stale(built: Checkout) -> None:
    before = built.digests()
    recipe = small_recipe()
    recipe["chinese"]["rules"]["characters"] = {"minimum": 400, "maximum": 50_000}
    built.write_recipe(recipe)
    try:
        status, made = built.several(["status"], ["build", "chinese/near_unique"])
        assert (status.status, made.status) == (0, 0), made.output
        told = status.output
        assert "recipe changed" in told and "chinese.rules.characters.minimum 50.0 → 400.0" in " ".join(told.split())
        rows = {line.split("│")[1].strip(): line for line in told.splitlines() if line.startswith("│ ")}
        unaffected = [name for name in rows if name.startswith(("crawl/", "english/"))]
        assert unaffected and all(rows[name].split("│")[4].strip() == "" for name in unaffected)
        assert rows["chinese/normalized"].split("│")[4].strip() == ""
        assert rows["chinese/filtered"].split("│")[4].strip() == "2"
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


def test_damaged_indexes_are_refused_with_what_to_rebuild(built: Checkout) -> None:
    before, day, indexes = built.digests(), "2024-11-01", {"bands": "pairs", "bloom": "exact_unique"}
    for index in indexes:
        manifest = built.lake.dataset(f"chinese/{index}", [day]).manifest
        file = manifest.tables["rows"].parts[0].path if manifest.tables else manifest.files["filter.bloom"].path
        path = Path(built.lake.store.absolute(file))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    readers = [("build", f"chinese/{reader}", "--force", "--no-upstream") for reader in indexes.values()]
    remedies = [f"neo build chinese/{index} --partition {day} --force --no-upstream" for index in indexes]
    for told, remedy in zip(built.several(*readers), remedies, strict=True):
        assert told.status != 0 and "Traceback" not in told.output
        assert remedy in " ".join(told.output.split())
    assert built.digests() == before
    for told in built.several(*(remedy.split()[1:] for remedy in remedies), *readers):
        assert told.status == 0, told.output
    assert built.digests() == before


def test_bad_recipes_are_refused_in_one_line(built: Checkout) -> None:
    recipe = small_recipe()
    recipe["chinese"]["rulez"] = {}
    path = built.folder / "wrong.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True))
    done = subprocess.run(built.command("recipe", str(path)), env=built.environment(), capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "chinese.rulez: unknown key" in done.stderr and "did you mean 'rules'?" in done.stderr
