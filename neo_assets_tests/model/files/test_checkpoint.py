from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from safetensors.torch import load_file, save_file  # noqa: E402

from neo_assets.model.files.checkpoint import (  # noqa: E402
    CheckpointError,
    checkpoint_digest,
    load_checkpoint,
    load_weights,
    read_architecture,
    read_state,
    save_checkpoint,
    tensors_digest,
    verify_checkpoint,
    weights_digest,
)
from neo_assets.model.stack.gpt import build_model, build_stack, process_group  # noqa: E402
from neo_assets.model.stack.rng import restore_rng, rng_state  # noqa: E402
from neo_assets_tests.model.launch import run_ranks  # noqa: E402
from neo_assets_tests.model.memory_stack import MemoryStack, fill, make_checkpoint, state_of  # noqa: E402
from neo_assets_tests.model.settings import SEED, tiny_training  # noqa: E402

TINY = tiny_training()
FILES = ["model.safetensors", "optimiser.safetensors", "rng.safetensors", "state.json"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "ckpt"
    make_checkpoint(folder, TINY.chosen)
    return folder


@pytest.fixture
def checkpoint(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "ckpt")


@contextmanager
def filled_stack(seed: int = 1) -> Iterator[MemoryStack]:
    with process_group():
        stack = MemoryStack(build_model(TINY.chosen, seed))
        fill(stack, seed)
        yield stack


def naive_digest(*paths: Path) -> str:
    """The definition: SHA-256 over name, type, shape and values, names in order, file after file."""
    digest = hashlib.sha256()
    for path in paths:
        for name, tensor in sorted(load_file(path).items()):
            digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def test_the_files_are_plain_and_the_digests_as_defined(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == FILES
    assert not list(made.parent.glob("*.partial"))
    model, optimiser = made / FILES[0], made / FILES[1]
    for path in (model, optimiser):
        save_file(load_file(path), again := made.parent / "again")
        assert again.read_bytes() == path.read_bytes()
    state = state_of(TINY.chosen)
    weights, tensors = naive_digest(model), naive_digest(model, optimiser)
    assert weights_digest(made) == tensors_digest(model) == weights
    assert read_state(made) == {**state, "digests": {"weights": weights, "tensors": tensors}}
    whole = hashlib.sha256(tensors.encode() + json.dumps(state, sort_keys=True).encode()).hexdigest()
    assert checkpoint_digest(made) == whole
    assert read_architecture(made) == TINY.chosen
    verify_checkpoint(made)


def test_the_digest_is_of_names_and_values_not_of_files(tmp_path: Path) -> None:
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(2, dtype=torch.bfloat16)
    save_file({"a": a, "b": b}, tmp_path / "1.safetensors")
    save_file({"b": b, "a": a}, tmp_path / "2.safetensors", metadata={"written": "later"})
    same = tensors_digest(tmp_path / "1.safetensors")
    assert tensors_digest(tmp_path / "2.safetensors") == same
    changed = {
        "value": {"a": a + 1, "b": b},
        "name": {"c": a, "b": b},
        "shape": {"a": a.reshape(3, 2), "b": b},
        "type": {"a": a, "b": b.to(torch.float16)},
    }
    for number, tensors in enumerate(changed.values(), start=3):
        save_file(tensors, tmp_path / f"{number}.safetensors")
        assert tensors_digest(tmp_path / f"{number}.safetensors") != same


def test_what_is_saved_is_what_is_loaded(made: Path, tmp_path: Path) -> None:
    with process_group():
        stack = build_stack(TINY, TINY.phases[0], SEED)  # the CPU trainer's own
        assert load_checkpoint(made, stack, optimiser=True) == read_state(made)
        save_checkpoint(tmp_path / "again", stack, state_of(TINY.chosen))
        fresh = build_stack(TINY, TINY.phases[0], SEED)
        load_checkpoint(made, fresh, optimiser=False)
        save_checkpoint(tmp_path / "weights", fresh, state_of(TINY.chosen))
    assert checkpoint_digest(tmp_path / "again") == checkpoint_digest(made)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes(), name
    assert weights_digest(tmp_path / "weights") == weights_digest(made)
    assert not any(tensor.any() for tensor in load_file(tmp_path / "weights" / FILES[1]).values())


@pytest.mark.parametrize("precise", [True, False], ids=["with_masters", "float32"])
def test_a_half_precision_stack_gets_its_float32_masters(tmp_path: Path, precise: bool) -> None:
    make_checkpoint(tmp_path / "a", TINY.chosen, bfloat16=precise)
    with process_group():
        stack = MemoryStack(build_model(TINY.chosen, 5).bfloat16())
        load_checkpoint(tmp_path / "a", stack, optimiser=True)
    name = "decoder.layers.1.mlp.linear_fc2.weight"
    master, stored = stack.moments[f"master.{name}"], load_file(tmp_path / "a" / FILES[1])
    weight = load_file(tmp_path / "a" / FILES[0])[name]
    assert torch.equal(dict(stack.module.named_parameters())[name], weight.bfloat16())
    assert torch.equal(master, stored[f"master.{name}"] if precise else weight)
    assert not torch.equal(master, master.bfloat16().float())  # it is more than the weights


def test_random_numbers_go_on_where_they_stopped(tmp_path: Path) -> None:
    with filled_stack() as stack:
        torch.manual_seed(3)
        save_checkpoint(tmp_path / "a", stack, state_of(TINY.chosen))
        expected = torch.rand(4)
        load_checkpoint(tmp_path / "a", stack, optimiser=False)
        assert not torch.equal(torch.rand(4), expected)
        load_checkpoint(tmp_path / "a", stack, optimiser=True)
        assert torch.equal(torch.rand(4), expected)


def test_states_of_the_tracker_are_kept() -> None:
    from neo_assets.model.stack.megatron import tensor_parallel

    with process_group():
        tracker = tensor_parallel.get_cuda_rng_tracker()
        tracker.states_ = {"model-parallel-rng": torch.ones(3, dtype=torch.uint8), "graph": torch.Generator()}
        try:
            states = rng_state()
            assert set(states) == {"cpu", "tracker.model-parallel-rng", "tracker.graph"}
            generator = tracker.states_["graph"]
            drawn = torch.rand(3, generator=generator)
            restore_rng(states)
            assert torch.equal(torch.rand(3, generator=generator), drawn)
        finally:
            tracker.states_ = {}


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


LAYER = "decoder.layers.1.mlp.linear_fc1.weight"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (0, lambda t: t[LAYER][3].fill_(float("nan")), rf"model\.safetensors: tensor {LAYER} .* not finite"),
        (1, lambda t: t[f"exp_avg.{LAYER}"].fill_(float("inf")), r"optimiser\.safetensors: tensor exp_avg\..* not fin"),
        (0, lambda t: t.pop(LAYER), rf"tensor {LAYER} has shape nowhere"),
        (
            0,
            lambda t: t.update({LAYER: t[LAYER][:-1].clone()}),
            rf"{LAYER} has shape \(95, 32\), the architecture \(96",
        ),
        (1, lambda t: t.pop("step"), "tensor step has shape nowhere"),
        (1, lambda t: t.update(more=torch.zeros(1)), "tensor more has shape .* the architecture has none"),
        (0, lambda t: t[LAYER][0, 0].add_(1e-3), "the model files hold other values than were saved"),
        (1, lambda t: t[f"exp_avg_sq.{LAYER}"][0, 0].mul_(2), "the optimiser files hold other values"),
    ],
)
def test_verification_names_what_is_wrong(
    checkpoint: Path, file: int, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    verify_checkpoint(checkpoint)
    edit(checkpoint / FILES[file], change)
    with pytest.raises(CheckpointError, match=message):
        verify_checkpoint(checkpoint)


def test_incomplete_folders_are_refused(checkpoint: Path) -> None:
    for name in FILES[:2]:
        path = checkpoint / name
        content = path.read_bytes()
        path.write_bytes(content[:-100])
        with pytest.raises(CheckpointError, match=rf"{name} is no whole safetensors file"):
            verify_checkpoint(checkpoint)
        path.unlink()
        with pytest.raises(CheckpointError, match=rf"{name} is missing"):
            verify_checkpoint(checkpoint)
        path.write_bytes(content)
    verify_checkpoint(checkpoint)
    for text, message in (("running...", "is no JSON"), ("[]", "JSON object"), ("{}", "no valid architecture")):
        (checkpoint / "state.json").write_text(text)
        with pytest.raises(CheckpointError, match=message):
            verify_checkpoint(checkpoint)
    (checkpoint / "state.json").unlink()
    with pytest.raises(CheckpointError, match=r"state\.json is missing"):
        verify_checkpoint(checkpoint)


@pytest.mark.parametrize(
    "change", [{"ffn_size": 64}, {"n_layers": 1}, {"n_layers": 4}, {"untied": False}, {"n_kv_groups": 1}]
)
def test_weights_of_another_model_are_refused(made: Path, change: dict[str, Any]) -> None:
    other = tiny_training(**change)
    with process_group():
        stack = MemoryStack(build_model(other.chosen, seed=1))
        with pytest.raises(CheckpointError, match="another architecture"):
            load_checkpoint(made, stack, optimiser=True)
        with pytest.raises(CheckpointError, match="another architecture"):
            load_weights(made, stack.module)


def test_a_checkpoint_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with filled_stack() as stack:
        for number in (1, 2):
            save_checkpoint(folder, stack, state_of(TINY.chosen, number=number))
            (folder / "left over").write_text("")
    assert read_state(folder)["number"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "left over"])  # of the second time


def test_what_is_not_finite_is_not_published(tmp_path: Path) -> None:
    with filled_stack() as stack:
        save_checkpoint(tmp_path / "a", stack, state_of(TINY.chosen, number=1))
        stack.moments[f"exp_avg.{LAYER}"][0, 0] = float("nan")
        with pytest.raises(CheckpointError, match=rf"exp_avg\.{LAYER} has values that are not finite"):
            save_checkpoint(tmp_path / "a", stack, state_of(TINY.chosen, number=2))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert read_state(tmp_path / "a")["number"] == 1


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    with filled_stack() as stack:
        save_checkpoint(tmp_path / "a", stack, state_of(TINY.chosen))
        needed = sum((tmp_path / "a" / name).stat().st_size for name in FILES[:3])
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6, 1234))
        with pytest.raises(CheckpointError, match=rf"needs {needed:,} bytes, the disk has 1,234 free; make room"):
            save_checkpoint(tmp_path / "b", stack, state_of(TINY.chosen))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    verify_checkpoint(tmp_path / "a")


def test_a_disk_that_fills_up_while_writing_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with filled_stack() as stack:
        save_checkpoint(tmp_path / "a", stack, state_of(TINY.chosen))
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))  # model.safetensors has about 90 kB
        try:
            with pytest.raises(CheckpointError, match=r"no room for the checkpoint .*/b: it needs [0-9,]+ bytes"):
                save_checkpoint(tmp_path / "b", stack, state_of(TINY.chosen))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        save_checkpoint(tmp_path / "b", stack, state_of(TINY.chosen))
    assert checkpoint_digest(tmp_path / "a") == checkpoint_digest(tmp_path / "b")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with filled_stack() as stack, pytest.raises(CheckpointError, match="could not be written"):
        save_checkpoint(tmp_path / "file" / "a", stack, state_of(TINY.chosen))


@pytest.mark.slow
def test_killed_while_saving_it_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    [told] = run_ranks(1, "neo_assets_tests.model.killed_saves", str(tmp_path))
    moments = [line.split()[0] for line in told.splitlines() if line.endswith(f" {signal.SIGKILL:d}")]
    assert moments == ["write_tensors", "finish_folder", "_sync", "rename"]
    make_checkpoint(tmp_path / "expected", TINY.chosen, seed=1)
    for moment in moments:
        folder = tmp_path / moment / "a"
        assert sorted(os.listdir(folder.parent)) == ["a", "a.partial"]
        assert checkpoint_digest(folder) == checkpoint_digest(tmp_path / "expected")
        verify_checkpoint(folder)
        make_checkpoint(folder, TINY.chosen, seed=2)
        assert weights_digest(folder) != weights_digest(tmp_path / "expected")
        assert os.listdir(folder.parent) == ["a"]
