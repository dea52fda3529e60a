"""A lake with just what training and evaluation read, in seconds, and the same assets made from it here or in pods."""

from __future__ import annotations

import io
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import yaml

from neo_assets.evaluation.tasks import build_tasks, items_table, write_tasks
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance, Resources
from neo_assets.ordinals import ordinal_key
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.seed import SEED_FOLDER
from neo_assets.tokens.vocabulary.tokenizer import train_tokenizer
from neo_assets_tests.cluster.kube import JOB, Seen, Space, until
from neo_assets_tests.cluster.settings import ROOT, pod_settings, shared_folder
from neo_assets_tests.e2e.small import Checkout, small_recipe

CHECKPOINT, REPORT, HELD_OUT = "training/checkpoint", "evaluation/report", "evaluation/held_out"
TRAIN = (f'key:"{CHECKPOINT}"', "--no-upstream")
EVALUATE = (f'key:"{REPORT}" or key:"{HELD_OUT}"', "--no-upstream")


def cluster_recipe() -> dict[str, Any]:
    """The small recipe with some hundred steps, a few seconds long, and a snapshot every few of them."""
    recipe = small_recipe()
    training = recipe["training"]
    training |= {"snapshot_steps": 10, "microbatch_sequences": 2}
    for phase, steps, per_chunk in zip(training["phases"], (200, 60), (100, 60), strict=True):
        phase |= {"n_steps": steps, "steps_per_chunk": per_chunk}
        if phase["schedule"]["kind"] == "cosine":
            phase["schedule"] |= {"decay_steps": steps}
    return recipe


def make_inputs(checkout: Checkout) -> None:
    """What training and evaluation read: tasks, a tokenizer, held-out documents, and chunks of learnable tokens."""
    lake, recipe = checkout.lake, load_recipe(str(checkout.folder / "recipe.yaml"))
    text = (SEED_FOLDER / "text" / "prideprejudice.en.txt").read_text()[:200_000]
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    documents = pa.table(
        {
            "doc_id": [f"novel:{number:04d}" for number in range(len(paragraphs))],
            "text": paragraphs,
            "copies": [1] * len(paragraphs),
        }
    )
    model = train_tokenizer(documents, recipe.tokenizer, recipe.seed)
    commit(lake, "tokenizer/tokenizer", files={"tokenizer.model": model})
    held_out = documents.select(["doc_id", "text"]).slice(0, 8)
    for subset in recipe.corpus.subsets:
        commit(lake, "corpus/held_out", subset, held_out if subset == min(recipe.corpus.subsets) else held_out[:0])
    built = build_tasks(SEED_FOLDER, recipe.evaluation.tasks, recipe.evaluation.items_per_task, recipe.seed)
    with TemporaryDirectory() as folder:
        write_tasks(built, Path(folder))
        files = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
    commit(lake, "evaluation/tasks", table=items_table(built), files=files)
    _make_chunks(lake, recipe)


def _make_chunks(lake: Lake, recipe: Recipe) -> None:
    """Chunks in which each token decides the next."""
    training = recipe.training
    length, total = training.chosen.seq_length, training.sequences_before(training.n_checkpoints)
    start = np.random.default_rng(recipe.seed).integers(0, 2000, (total, 1))
    tokens = ((start + np.arange(length + 1) * 7) % 2000).astype(np.int32)
    for index in range(training.n_checkpoints):
        first, end = training.sequences_before(index), training.sequences_before(index + 1)
        file = io.BytesIO()
        np.save(file, tokens[first:end])
        commit(
            lake, "training/chunk", ordinal_key("chunk", index), pa.table({"subset": ["cc_en"]}),
            {"chunk.npy": file.getvalue()}, {"training/order": "0" * 64}, {"first position": first},
        )  # fmt: skip


def commit(
    lake: Lake,
    asset: str,
    partition: str | None = None,
    table: pa.Table | None = None,
    files: Mapping[str, bytes] | None = None,
    inputs: dict[str, str] | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Commit a partition that no asset made."""
    writer = lake.writer(asset, partition)
    if table is not None:
        writer.table(table)
    for name, data in (files or {}).items():
        writer.file(name, data)
    provenance = Provenance(inputs=inputs or {}, code_version="test", recipe={}, engine="test", libraries={})
    writer.commit(provenance, Resources(cpu_seconds=0, wall_seconds=0, peak_memory_bytes=0), metadata or {})


def digests(checkout: Checkout, *assets: str) -> dict[str, str]:
    """Content digests of every partition of the assets."""
    found = checkout.digests()
    return {name: digest for name, digest in found.items() if name.split("|")[0] in assets}


def profiles(space: Space, shared: Path, **gpu: Any) -> dict[str, Any]:
    """A profiles file for the namespace: a GPU for training and evaluation, none for the rest."""
    container = {"name": "job", "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "3Gi"}}}
    pod = {"containers": [container], "automountServiceAccountToken": False}
    kinds = {"cpu": {"pod": pod}, "gpu": {"gpus_per_node": 1, "pod": pod, **gpu}, "crawl": {"pod": pod}}
    given = {"namespace": space.name, "service_account_name": JOB, "profiles": kinds}
    return {**pod_settings(shared), **given}


@dataclass(frozen=True)
class InPods:
    """A checkout whose jobs run as pods of a namespace."""

    checkout: Checkout
    space: Space
    profiles: Path

    @classmethod
    def make(cls, checkout: Checkout, space: Space, **gpu: Any) -> InPods:
        """With these settings of the profile `gpu`."""
        made = cls(checkout, space, checkout.folder / "profiles.yaml")
        made.write_profiles(**gpu)
        return made

    def write_profiles(self, **gpu: Any) -> None:
        """Take other settings of the profile `gpu` from now on."""
        shared = shared_folder(self.checkout.folder)
        self.profiles.write_text(yaml.safe_dump(profiles(self.space, shared, **gpu)))

    def environment(self) -> dict[str, str]:
        """What `neo` is started with."""
        return self.checkout.environment() | {
            "NEO_COMPUTE": "kubernetes",
            "NEO_POD_PROFILES": str(self.profiles),
            "NEO_KUBECONFIG": str(self.space.kubeconfig),
            "PYTHONUNBUFFERED": "1",
        }

    @contextmanager
    def building(self, *arguments: str) -> Iterator[Building]:
        """`neo build` in the background; it is killed if the block leaves it running."""
        log = self.checkout.folder / f"build-{time.monotonic_ns()}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                self.checkout.command("build", *arguments),
                cwd=ROOT, env=self.environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            yield Building(process, log)
        finally:
            process.kill()
            process.wait()

    def build(self, *arguments: str, seconds: float = 300) -> str:
        """Run `neo build` to its end; what it said."""
        with self.building(*arguments) as building:
            assert building.process.wait(seconds) == 0, building.output
            return building.output

    def fail(self, *arguments: str, seconds: float = 300) -> str:
        """Run `neo build`, which must fail; what it said."""
        with self.building(*arguments) as building:
            assert building.process.wait(seconds) == 1, building.output
            return building.output

    def told(self) -> list[str]:
        """What the runs of this checkout said in Dagster's own log, errors of steps in full at the end."""
        with dg.DagsterInstance.from_config(str(self.checkout.folder / "dagster")) as instance:
            runs = [run.run_id for run in instance.get_runs()]
            entries = [entry for run in runs for entry in instance.all_logs(run)]
        failures = [
            e.dagster_event.step_failure_data for e in entries if e.dagster_event and e.dagster_event.is_step_failure
        ]
        described = [data.user_failure_data.description for data in failures if data.user_failure_data]
        return [*(entry.user_message for entry in entries), *filter(None, described)]

    def held_at_its_start(self) -> Seen:
        """Wait for a checkpoint that is begun; the pod that trains it, its processes stopped there."""
        return self._held(f"ls {self._snapshots}/*.starts")

    def held_in_training(self, building: Building) -> Seen:
        """Wait for a committed checkpoint and the first snapshot of the next; the pod, its processes stopped there."""

        def check() -> None:
            assert building.process.poll() is None, building.output

        committed = self.checkout.folder / "lake" / CHECKPOINT / "ckpt_001" / "manifest.json"
        whole = f"ckpt_002-step_{'[0-9]' * 8}"  # no more in its name: one that is being written has
        return self._held(f"[ -e {committed} ] && ls -d {self._snapshots}/{whole}", check)

    @property
    def _snapshots(self) -> Path:
        return self.checkout.folder / "lake" / CHECKPOINT / "_" / "work" / "content" / "snapshots"

    def _held(self, reached: str, check: Callable[[], None] = lambda: None) -> Seen:
        """The pod of a job, its processes stopped as soon as a shell's condition holds.

        The pod looks for that itself: what is told from here comes to it when a training of seconds may be over.
        """

        def runs() -> bool:
            check()
            pods = self.space.job_pods()
            return bool(pods) and self.space.pod(pods[-1].name).status.phase == "Running"

        until(runs, 120)
        pod = self.space.job_pods()[-1]
        waiting = f"until {{ {reached}; }} >/dev/null 2>&1; do sleep 0.02; done"
        self.space.execute(pod.name, "sh", "-c", f"{waiting}; kill -STOP -1", seconds=480)
        assert self.space.pod(pod.name).status.phase == "Running", "it ended before it came to that"
        return pod


@dataclass(frozen=True)
class Building:
    """A `neo build` that is running."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")
