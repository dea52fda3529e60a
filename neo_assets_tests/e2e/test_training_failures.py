"""What can be wrong with what training reads and where it writes: one line that says what, and what to do; no harm."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from neo_assets_tests.e2e.small import ROOT, Checkout, Told

pytestmark = pytest.mark.slow

CHECKPOINT = "training/checkpoint"
SECOND = ("build", CHECKPOINT, "--partition", "ckpt_002", "--force", "--no-upstream")
CHUNK = ("build", "training/chunk", "--partition", "chunk_001", "--force", "--no-upstream")
CHUNK_AGAIN = "run `neo build training/chunk --partition chunk_002 --force --no-upstream`"
PARENT_AGAIN = f"run `neo build {CHECKPOINT} --partition ckpt_001 --force --no-upstream`"


def file_of(checkout: Checkout, pattern: str) -> Path:
    """The one file of the lake that is meant, in the version in force."""
    area, name, partition, rest = pattern.split("/", 3)
    manifest = checkout.lake.manifest(f"{area}/{name}", partition)
    assert manifest is not None
    [path] = (checkout.folder / "lake" / area / name / partition).glob(rest.replace("v-*", manifest.version))
    return path


def another_tokenizer(data: bytes) -> bytes:
    return json.dumps(json.loads(data) | {"tokenizer_sha256": "0" * 64}).encode()


def cut(data: bytes) -> bytes:
    return data[:-7]


def flip(data: bytes) -> bytes:
    return data[:-101] + bytes([data[-101] ^ 1]) + data[-100:]


def remove(data: bytes) -> None:
    return None


Damage = Callable[[bytes], bytes | None]
DAMAGES: dict[str, tuple[str, Damage, Sequence[str], Sequence[str]]] = {
    "shards of another tokenizer": (
        "training/token_shards/code/v-*/files/stream.json",
        another_tokenizer,
        CHUNK,
        ("training/chunk", "the shards of code were made with another tokenizer", "rebuild training/token_shards"),
    ),
    "shard cut off": (
        "training/token_shards/code/v-*/files/*.bin",
        cut,
        CHUNK,
        ("training/chunk: ", "training/token_shards/code/", ".bin", "rebuild"),
    ),
    "chunk never made": (
        "training/chunk/chunk_002/manifest.json",
        remove,
        SECOND,
        ("training/checkpoint: training/chunk is not materialized (chunk_002)", "run `neo build training/chunk` first"),
    ),
    "chunk's file missing": (
        "training/chunk/chunk_002/v-*/files/chunk.npy",
        remove,
        SECOND,
        ("training/checkpoint: ", "training/chunk [chunk_002]: files/chunk.npy is missing", CHUNK_AGAIN),
    ),
    "chunk's file cut off": (
        "training/chunk/chunk_002/v-*/files/chunk.npy",
        cut,
        SECOND,
        ("training/checkpoint: ", "training/chunk [chunk_002]: files/chunk.npy is damaged", CHUNK_AGAIN),
    ),
    "a token of the chunk changed": (
        "training/chunk/chunk_002/v-*/files/chunk.npy",
        flip,
        SECOND,
        ("training/checkpoint: ", "training/chunk [chunk_002]: files/chunk.npy is not what was", CHUNK_AGAIN),
    ),
    "parent cut off": (
        "training/checkpoint/ckpt_001/v-*/files/optimiser.safetensors",
        cut,
        SECOND,
        (f"{CHECKPOINT}: ", f"{CHECKPOINT} [ckpt_001]: files/optimiser.safetensors is damaged", PARENT_AGAIN),
    ),
    "a weight of the parent changed": (
        "training/checkpoint/ckpt_001/v-*/files/model.safetensors",
        flip,
        SECOND,
        (f"{CHECKPOINT}: ", f"{CHECKPOINT} [ckpt_001]: files/model.safetensors is not what was", PARENT_AGAIN),
    ),
}


def test_damage_is_told_in_one_line(everything: Checkout, tmp_path: Path) -> None:
    checkout = everything.copy(tmp_path / "checkout")
    before = checkout.digests()
    commands: list[Sequence[str]] = []
    for number, (file, damage, command, _) in enumerate(DAMAGES.values()):
        path = file_of(checkout, file)
        good, bad = tmp_path / f"good_{number}", tmp_path / f"bad_{number}"
        good.write_bytes(path.read_bytes())
        damaged = damage(path.read_bytes())
        bad.write_bytes(damaged or b"")
        spoil = ["rm", str(path)] if damaged is None else ["cp", str(bad), str(path)]
        commands += [spoil, command, ["cp", str(good), str(path)]]
    *told, mended = checkout.several(*commands, SECOND)
    for (case, (*_, words)), each in zip(DAMAGES.items(), told, strict=True):
        check(each, words, case)
    assert mended.status == 0, mended.output  # and nothing of what the damaged ones gave is left
    assert checkout.digests() == before


def check(told: Told, words: Sequence[str], case: str) -> None:
    """One line, which holds these words."""
    assert told.status == 1, (case, told.output)
    assert all(word in told.error for word in words), (case, told.error)


def test_no_room_for_a_checkpoint(everything: Checkout, tmp_path: Path) -> None:
    checkout = everything.copy(tmp_path / "checkout")
    shutil.rmtree(checkout.folder / "lake" / CHECKPOINT / "ckpt_002")
    size = file_of(everything, f"{CHECKPOINT}/ckpt_001/v-*/files/optimiser.safetensors").stat().st_size
    before, second = checkout.digests(), SECOND[:4] + SECOND[5:]
    done = subprocess.run(
        checkout.command(*second), cwd=ROOT, env=checkout.environment(), capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, resource.RLIM_INFINITY)),
    )  # fmt: skip
    told = Told(done.returncode, done.stdout + done.stderr)
    check(told, ("ckpt_002", "no room for the checkpoint", "make room", "the checkpoint before it is untouched"), "")
    assert checkout.digests() == before
    checkout.neo(*second)
    assert checkout.digests() == everything.digests()
