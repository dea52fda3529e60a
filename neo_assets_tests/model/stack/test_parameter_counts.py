"""The published architectures, built without memory, have the published numbers of weights."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.files.sharding import global_shapes  # noqa: E402
from neo_assets.model.stack.gpt import process_group, transformer_config  # noqa: E402
from neo_assets.model.stack.layers import SdpaCoreAttention, local_block  # noqa: E402
from neo_assets.model.stack.megatron import GPTModel  # noqa: E402
from neo_assets.recipe.recipe import load_recipe  # noqa: E402
from neo_assets.recipe.training import ArchitectureSettings, n_parameters  # noqa: E402

PARAMETERS = {
    # MAP-Neo: 15.59 GB of published bf16 shards; 2*64,256*3,072 + 28*(4*3,072^2 + 3*3,072*24,576 + 2*3,072) + 3,072.
    "neo_7b": 7_793_716_224,
    # 2*64,128*2,048 + 18*(2*2,048^2 + 2*2,048*256 + 3*2,048*16,384 + 2*2,048) + 2,048.
    "neo_2b": 2_244_552_704,
    # The same sum for the shapes that were solved from the published file sizes: 1.96 GB (979.9 M) ...
    "neo_980m": 2 * 64_128 * 2_048 + 12 * (2 * 2_048**2 + 2 * 2_048 * 256 + 3 * 2_048 * 8_192 + 2 * 2_048) + 2_048,
    # ... 923 MB (461.7 M) ...
    "neo_460m": 2 * 64_128 * 1_024 + 12 * (2 * 1_024**2 + 2 * 1_024 * 128 + 3 * 1_024 * 8_192 + 2 * 1_024) + 1_024,
    # ... and 250.9 M.
    "neo_250m": 2 * 64_128 * 1_024 + 8 * (2 * 1_024**2 + 2 * 1_024 * 128 + 3 * 1_024 * 4_096 + 2 * 1_024) + 1_024,
}


def build_without_memory(architecture: ArchitectureSettings) -> Any:
    """Megatron's model on the meta device: names and shapes, no values."""
    unsplit = architecture.model_copy(update={"tensor_parallel": 1, "dtype": "float32"})
    config = transformer_config(unsplit, perform_initialization=False)
    with torch.device("meta"):
        return GPTModel(
            config,
            local_block(architecture.n_layers, SdpaCoreAttention),
            vocab_size=architecture.vocab_rows,
            max_sequence_length=architecture.seq_length,
            position_embedding_type="rope",
            share_embeddings_and_output_weights=not architecture.untied,
            rotary_base=architecture.rope_base,
        )


@pytest.mark.parametrize(("name", "expected"), PARAMETERS.items())
def test_parameters_to_the_unit(name: str, expected: int) -> None:
    architecture = load_recipe("matrix").training.architectures[name]
    with process_group():
        parameters = dict(build_without_memory(architecture).named_parameters())
    assert all(parameter.is_meta for parameter in parameters.values())
    assert sum(parameter.numel() for parameter in parameters.values()) == n_parameters(architecture) == expected
    assert {key: tuple(parameter.shape) for key, parameter in parameters.items()} == global_shapes(architecture)


def test_the_sizes_of_the_scaling_law_are_the_published_ones() -> None:
    millions = {name: round(count / 1e6, 1) for name, count in PARAMETERS.items()}
    assert {name: millions[name] for name in ("neo_980m", "neo_460m", "neo_250m")} == {
        "neo_980m": 979.9,
        "neo_460m": 461.7,
        "neo_250m": 250.9,
    }


def test_every_published_architecture_is_counted() -> None:
    assert set(load_recipe("matrix").training.architectures) == set(PARAMETERS)
