"""Checkpoints of several ranks, by two real processes over gloo: TP1 -> TP2 -> PP2 -> TP2 -> DP2, value by value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from safetensors.torch import load_file, save_file  # noqa: E402

from neo_assets.model.export.inference import open_model  # noqa: E402
from neo_assets.model.files.checkpoint import (  # noqa: E402
    CheckpointError,
    checkpoint_digest,
    read_state,
    verify_checkpoint,
    weights_digest,
)
from neo_assets_tests.model.launch import run_ranks  # noqa: E402
from neo_assets_tests.model.memory_stack import make_checkpoint  # noqa: E402
from neo_assets_tests.model.two_ranks import WHOLE  # noqa: E402

pytestmark = pytest.mark.slow
LAYOUTS = ["tp2", "pp2", "tp2_again", "dp2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("layouts")
    make_checkpoint(out / "one", WHOLE)
    run_ranks(2, "neo_assets_tests.model.two_ranks", str(out))
    return out


def test_every_layout_holds_the_same_values(folder: Path) -> None:
    for name in LAYOUTS:
        verify_checkpoint(folder / name)
        assert weights_digest(folder / name) == weights_digest(folder / "one"), name
        assert checkpoint_digest(folder / name) == checkpoint_digest(folder / "one"), name


def test_one_copy_of_the_model_has_the_files_of_one_process(folder: Path) -> None:
    for file in ("model.safetensors", "optimiser.safetensors", "state.json"):
        assert (folder / "dp2" / file).read_bytes() == (folder / "one" / file).read_bytes()


def test_every_rank_writes_its_own_part(folder: Path) -> None:
    kinds = [f"{kind}-0000{n}-of-00002.safetensors" for kind in ("model", "optimiser", "rng") for n in (1, 2)]
    for name in ("tp2", "pp2"):
        assert sorted(path.name for path in (folder / name).iterdir()) == [*kinds, "state.json"]
    layout = read_state(folder / "tp2")["layout"]
    fc1 = "decoder.layers.1.mlp.linear_fc1.weight"  # [gate; up] of 2 * 48 rows: 24 of each on every rank
    assert layout[kinds[1]][fc1] == [[24, 0], [96, 32]]
    assert layout[kinds[1]][f"{fc1}#2"] == [[72, 0], [96, 32]]
    assert "step" in layout[kinds[2]]
    assert "step" not in layout[kinds[3]]
    stages = [set(load_file(folder / "pp2" / name)) for name in kinds[:2]]
    assert {name for name in stages[0] if ".layers." not in name} == {"embedding.word_embeddings.weight"}
    assert {int(name.split(".")[2]) for name in stages[1] if ".layers." in name} == {1}


def test_any_layout_opens_as_the_same_model(folder: Path) -> None:
    ids = torch.arange(32).reshape(2, 16)
    with open_model(folder / "one") as model:
        expected = model.logits(ids)
    for name in LAYOUTS[:2]:
        with open_model(folder / name) as model:
            assert torch.equal(model.logits(ids), expected)


def test_a_rank_without_room_stops_all_and_leaves_nothing(folder: Path) -> None:
    told = [(folder / f"full_{rank}").read_text() for rank in range(2)]
    assert told[0] == told[1]
    assert "no room for the checkpoint" in told[0]
    assert not list(folder.glob("full")) + list(folder.glob("*.partial"))


def test_a_missing_or_foreign_part_is_named(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "tp2").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    part = tmp_path / "model-00002-of-00002.safetensors"
    content = part.read_bytes()
    part.unlink()
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors is missing"):
        verify_checkpoint(tmp_path)
    save_file({"other": torch.zeros(1)}, part)
    with pytest.raises(CheckpointError, match="other tensors than its layout says"):
        verify_checkpoint(tmp_path)
    part.write_bytes(content)
    state = read_state(tmp_path)
    del state["layout"][part.name]
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(CheckpointError, match=r"parts of tensor .* are missing"):
        verify_checkpoint(tmp_path)
    del state["layout"]
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        weights_digest(tmp_path)


def test_megatrons_own_stacks_pass_a_checkpoint_on(tmp_path: Path) -> None:
    # bf16 with float32 masters; the distributed optimiser over 2 stages, 2 tensor ranks, the same over 2 copies.
    run_ranks(2, "neo_assets_tests.model.two_gpu_ranks", str(tmp_path))
    whole = checkpoint_digest(tmp_path / "stages")
    for name in ("shares", "copies", "stages_again"):
        verify_checkpoint(tmp_path / name)
        assert checkpoint_digest(tmp_path / name) == whole, name
    assert sorted(path.name for path in (tmp_path / "copies").iterdir())[:1] == ["model.safetensors"]
    moments = load_file(tmp_path / "copies" / "optimiser.safetensors")
    assert float(moments["step"]) == 2.0
    assert {name.split(".")[0] for name in moments} == {"exp_avg", "exp_avg_sq", "master", "step"}
    straight, resumed = (checkpoint_digest(tmp_path / name) for name in ("straight", "resumed"))
    assert straight == resumed != whole
