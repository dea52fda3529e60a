from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from safetensors.torch import save_file  # noqa: E402

from neo_assets.model.checkpoint import CheckpointError, load_weights, read_state, tensors_digest  # noqa: E402
from neo_assets.model.gpt import build_model, process_group  # noqa: E402
from neo_assets_tests.model.settings import tiny_training  # noqa: E402


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


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_file({"embedding.word_embeddings.weight": torch.zeros(3, 3)}, tmp_path / "model.safetensors")
    with process_group():
        model = build_model(tiny_training().chosen, seed=1)
        with pytest.raises(CheckpointError, match="another architecture"):
            load_weights(tmp_path, model)


def test_broken_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"state.json is missing"):
        read_state(tmp_path)
    (tmp_path / "state.json").write_text("running...")
    with pytest.raises(CheckpointError, match="is no JSON"):
        read_state(tmp_path)
    (tmp_path / "state.json").write_text("[]")
    with pytest.raises(CheckpointError, match="JSON object"):
        read_state(tmp_path)
