"""The job that trains a range of checkpoints, with the trainer in this process instead of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.jobs import train as job_module
from neo_assets.jobs.base import RangeJob
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.store import DamagedError
from neo_assets.lake.work import work_path
from neo_assets.model.train.run import Segment, run_id
from neo_assets.model.train.steps import STEP_SCHEMA
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.recipe.training import TrainingSection
from neo_assets_tests.model.segments import longer_training
from neo_assets_tests.model.settings import learnable_tokens

ASSET = "training/checkpoint"
TRAINING = longer_training(8, 4, 2)


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    from neo_assets.model.train.trainer import train

    def run(spec: Mapping[str, Any], n_ranks: int, on_event: Callable[[dict[str, Any]], None]) -> None:
        def emit(event: str, values: Mapping[str, Any]) -> None:
            on_event(json.loads(json.dumps({"event": event, **values})))

        train(Segment.from_spec(json.loads(json.dumps(spec))), emit)

    monkeypatch.setattr(job_module, "run_workers", run)


def chunk(lake: Lake, training: TrainingSection, index: int, order: str = "order", shift: int = 0) -> Dataset:
    first = training.sequences_before(index)
    end = training.sequences_before(index + 1)
    path = Path(lake.root).parent / "chunk.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, learnable_tokens(end)[first:end])
    writer = lake.writer("training/chunk", f"chunk_00{index + 1}")
    writer.file("chunk.npy", path)
    return writer.commit(Provenance(inputs={"training/order": order}), metadata={"first position": first + shift})


def run_job(
    lake: Lake,
    keys: tuple[str, ...],
    chunks: list[Dataset],
    previous: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    **settings: Any,
) -> RangeJob:
    recipe: Recipe = load_recipe("mini").model_copy(update={"training": TRAINING})
    handle = Dataset(lake.store, "training/chunk", tuple(manifest for each in chunks for manifest in each.manifests))
    job = RangeJob(
        lake=lake,
        recipe=recipe,
        asset=ASSET,
        inputs={"previous": previous, "chunk": handle},
        scratch=Path(lake.root),
        provenance=Provenance(code_version="code"),
        settings=settings,
        keys=keys,
        tell=lambda told: None,
    )

    @contextmanager
    def opened() -> Iterator[RangeJob]:
        with job.closing:
            yield job

    monkeypatch.setattr(job_module, "open_range_job", opened)
    job_module.main()
    return job


def test_a_range_and_single_jobs_publish_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digests: list[dict[str, str]] = []
    for name, ranges in {"range": [(0, 1, 2)], "single": [(0,), (1,), (2,)]}.items():
        lake = Lake(str(tmp_path / name / "lake"))
        chunks = [chunk(lake, TRAINING, index) for index in range(3)]
        previous = Dataset(lake.store, ASSET, ())
        published: dict[str, Dataset] = {}
        for indices in ranges:
            keys = tuple(f"ckpt_00{index + 1}" for index in indices)
            made = run_job(lake, keys, chunks, previous, monkeypatch).published
            published, previous = published | made, made[keys[-1]]
        digests.append({key: dataset.manifest.digest for key, dataset in published.items()})
    assert digests[0] == digests[1]
    assert list(digests[0]) == ["ckpt_001", "ckpt_002", "ckpt_003"]
    first, second = published["ckpt_001"], published["ckpt_002"]
    assert second.manifest.provenance.inputs == {
        "training/checkpoint|ckpt_001": first.manifest.digest,
        "training/chunk|chunk_002": chunks[1].manifest.digest,
    }
    table = second.read()
    assert table.schema.remove_metadata().equals(STEP_SCHEMA.remove_metadata())
    run = run_id(TRAINING, load_recipe("mini").seed, "order")
    assert set(table["run"].to_pylist()) == {run} and set(table["checkpoint"].to_pylist()) == {"ckpt_002"}
    assert second.metadata["run"] == run and second.metadata["restarts"] == 0
    assert second.metadata["tokens read"] == second.metadata["tokens planned"] == 256
    assert '{"partition": "ckpt_002"' in capsys.readouterr().out  # observed on its way


def test_a_fault_is_injected_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(tmp_path / "lake"))
    chunks, none = [chunk(lake, TRAINING, 0)], Dataset(lake.store, ASSET, ())
    made = run_job(lake, ("ckpt_001",), chunks, none, monkeypatch, faults={"8": "nan"}).published["ckpt_001"]
    assert made.read()["skipped"].to_pylist() == [None, None, "loss is not finite", None]
    assert math.isnan(made.read()["loss"][2].as_py())
    assert made.metadata["faults injected at positions"] == "8"
    assert made.metadata["steps skipped"] == 1


def test_chunks_that_do_not_belong_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(tmp_path / "lake"))
    none = Dataset(lake.store, ASSET, ())
    keys = ("ckpt_001", "ckpt_002")
    first = chunk(lake, TRAINING, 0)
    with pytest.raises(
        job_module.ChunkMismatchError, match="chunk_002 is missing; materialize training/chunk chunk_002"
    ):
        run_job(lake, keys, [first], none, monkeypatch)
    with pytest.raises(job_module.ChunkMismatchError, match="chunk_002 begins at position 17, the recipe says 16"):
        run_job(lake, keys, [first, chunk(lake, TRAINING, 1, shift=1)], none, monkeypatch)
    with pytest.raises(job_module.ChunkMismatchError, match="chunk_001, chunk_002 are of different orders"):
        run_job(lake, keys, [first, chunk(lake, TRAINING, 1, order="another")], none, monkeypatch)


def test_files_that_are_not_what_was_committed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, none = Lake(str(tmp_path / "lake")), Dataset(Lake(str(tmp_path / "lake")).store, ASSET, ())
    chunks = [chunk(lake, TRAINING, index) for index in range(2)]
    keys = ("ckpt_001", "ckpt_002")
    path = chunks[1].file("chunk.npy")
    good = path.read_bytes()
    again = r"run `neo build training/chunk --partition chunk_002 --force --no-upstream`"
    path.write_bytes(good[:-4])
    with pytest.raises(DamagedError, match=rf"training/chunk \[chunk_002\]: files/chunk.npy is damaged .*; {again}"):
        run_job(lake, keys, chunks, none, monkeypatch)
    assert lake.partitions(ASSET) == []  # told before the first step
    path.write_bytes(good[:-4] + bytes(4))
    with pytest.raises(DamagedError, match=r"chunk_002\]: files/chunk.npy is not what was committed"):
        run_job(lake, keys, chunks, none, monkeypatch)
    assert lake.partitions(ASSET) == ["ckpt_001"]
    path.write_bytes(good)
    first = lake.dataset(ASSET, ["ckpt_001"])
    second = run_job(lake, keys[1:], chunks, first, monkeypatch).published["ckpt_002"]
    other = Lake(str(tmp_path / "undamaged" / "lake"))
    sound = [chunk(other, TRAINING, index) for index in range(2)]
    made = run_job(other, keys, sound, Dataset(other.store, ASSET, ()), monkeypatch).published["ckpt_002"]
    assert second.manifest.digest == made.manifest.digest  # nothing of the damaged tokens is left
    weights = first.file("model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(DamagedError, match=r"\[ckpt_001\]: files/model.safetensors is not what was committed"):
        run_job(lake, keys[1:], chunks, first, monkeypatch)


def test_a_range_that_is_made_again_after_a_kill_publishes_whole_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    chunks, none = [chunk(lake, TRAINING, index) for index in range(3)], Dataset(lake.store, ASSET, ())
    publish = RangeJob.publish

    def dies(self: RangeJob, key: str, *given: Any) -> Dataset:
        if key == "ckpt_003":
            raise KeyboardInterrupt
        return publish(self, key, *given)

    keys = ("ckpt_001", "ckpt_002", "ckpt_003")
    with monkeypatch.context() as patched:
        patched.setattr(RangeJob, "publish", dies)
        with pytest.raises(KeyboardInterrupt):
            run_job(lake, keys, chunks, none, patched)
    work = work_path(lake, ASSET, None) / "content" / "checkpoints"
    assert not list((work / "ckpt_001").glob("*.safetensors"))  # the disk is free: the lake has it
    before = {key: lake.dataset(ASSET, [key]).manifest for key in keys[:2]}
    made = run_job(lake, keys, chunks, none, monkeypatch).published
    assert {key: made[key].manifest.digest for key in keys[:2]} == {key: m.digest for key, m in before.items()}
    assert not work.exists()
