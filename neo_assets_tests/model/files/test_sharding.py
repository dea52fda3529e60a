from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.files.sharding import Place, global_shapes, shards_of  # noqa: E402
from neo_assets.model.stack.gpt import build_model, process_group  # noqa: E402
from neo_assets.recipe.training import n_parameters  # noqa: E402
from neo_assets_tests.model.settings import tiny_training  # noqa: E402

LAYERS = 4
SPLIT = {"linear_qkv": 0, "linear_proj": 1, "linear_fc1": 0, "linear_fc2": 1, "word_embeddings": 0, "output_layer": 0}


class Rank:
    """What one rank of a split model has, cut out of the whole weights by hand (the naive reference)."""

    def __init__(self, whole: dict[str, torch.Tensor], place: Place, tied: bool = False) -> None:
        self.share_embeddings_and_output_weights = tied
        per_stage = LAYERS // place.pipeline_size
        first = place.pipeline_rank * per_stage
        self.decoder = SimpleNamespace(layers=[SimpleNamespace(layer_number=first + i + 1) for i in range(per_stage)])
        self.parameters: dict[str, torch.Tensor] = {}
        for name, tensor in whole.items():
            local = self._local(name, place, first, per_stage)
            if local is not None:
                self._add(local, tensor, place)
        if tied and place.pipeline_size > 1 and place.pipeline_rank == place.pipeline_size - 1:
            self._add("output_layer.weight", whole["embedding.word_embeddings.weight"], place)

    @staticmethod
    def _local(name: str, place: Place, first: int, per_stage: int) -> str | None:
        if name.startswith("decoder.layers."):
            number, rest = name.removeprefix("decoder.layers.").split(".", 1)
            inside = first <= int(number) < first + per_stage
            return f"decoder.layers.{int(number) - first}.{rest}" if inside else None
        stage = 0 if name.startswith("embedding") else place.pipeline_size - 1
        return name if stage == place.pipeline_rank else None

    def _add(self, name: str, tensor: torch.Tensor, place: Place) -> None:
        dims = [dim for key, dim in SPLIT.items() if key in name]
        if not dims:
            self.parameters[name] = tensor.clone()
            return
        parts = tensor.chunk(2, 0) if "linear_fc1" in name else (tensor,)
        mine = torch.cat([part.chunk(place.tensor_size, dims[0])[place.tensor_rank] for part in parts], dims[0])
        parameter: Any = mine.clone()
        parameter.tensor_model_parallel, parameter.partition_dim = True, dims[0]
        self.parameters[name] = parameter

    def named_parameters(self) -> list[tuple[str, torch.Tensor]]:
        return list(self.parameters.items())


def whole_weights(untied: bool) -> dict[str, torch.Tensor]:
    architecture = tiny_training(n_layers=LAYERS, n_kv_groups=4, untied=untied).chosen
    draw = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=draw) for name, shape in global_shapes(architecture).items()}


@pytest.mark.parametrize("tensor_size", [1, 2, 4])
@pytest.mark.parametrize("pipeline_size", [1, 2, 4])
@pytest.mark.parametrize("tied", [False, True])
def test_the_blocks_of_all_ranks_are_the_whole_model(tensor_size: int, pipeline_size: int, tied: bool) -> None:
    whole = whole_weights(untied=not tied)
    rebuilt = {name: torch.full_like(tensor, float("nan")) for name, tensor in whole.items()}
    places = [Place(t, tensor_size, p, pipeline_size) for p in range(pipeline_size) for t in range(tensor_size)]
    assert [place.index for place in places] == list(range(places[0].n_places))
    for place in places:
        rank: Any = Rank(whole, place, tied)
        for shard in shards_of(rank, dict(rank.named_parameters()), place):
            assert shard.global_shape == whole[shard.name].shape
            cut = tuple(slice(o, o + n) for o, n in zip(shard.offset, shard.tensor.shape, strict=True))
            assert torch.equal(shard.tensor, whole[shard.name][cut])  # copies too are in their place
            if shard.main:
                assert rebuilt[shard.name][cut].isnan().all()  # one rank alone writes it
                rebuilt[shard.name][cut] = shard.tensor
    assert all(torch.equal(rebuilt[name], whole[name]) for name in whole)


def test_blocks_are_views() -> None:
    place = Place(1, 2)
    rank: Any = Rank(whole_weights(untied=True), place)
    name = "decoder.layers.0.mlp.linear_fc1.weight"
    mine = torch.zeros(rank.parameters[name].shape)
    for number, shard in enumerate(shards_of(rank, {name: mine}, place), start=1):
        shard.tensor.fill_(number)
    assert mine[:, 0].tolist() == [1.0] * 24 + [2.0] * 24


def test_a_tensor_that_is_no_parameter_is_refused() -> None:
    rank: Any = Rank(whole_weights(untied=True), Place())
    with pytest.raises(KeyError, match="other"):
        shards_of(rank, {"other": torch.zeros(1)}, Place())


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("untied", [True, False])
def test_names_and_shapes_are_those_of_the_built_model(groups: int, untied: bool) -> None:
    architecture = tiny_training(n_kv_groups=groups, untied=untied).chosen
    with process_group():
        model = build_model(architecture, seed=1)
        assert Place.here() == Place()
        built = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
        assert built == global_shapes(architecture)
        shards = shards_of(model, dict(model.named_parameters()))
    assert {shard.name: shard.global_shape for shard in shards} == built
    assert all(shard.main for shard in shards)
    assert sum(shard.tensor.numel() for shard in shards) == n_parameters(architecture)
