from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")

import torch.distributed as dist  # noqa: E402

from neo_assets.model.stack.megatron import parallel_state  # noqa: E402
from neo_assets.model.stack.protocol import ModelError  # noqa: E402
from neo_assets.model.stack.ranks import deterministic, process_group  # noqa: E402
from neo_assets_tests.model.launch import run_ranks  # noqa: E402


def test_without_a_launcher_it_is_a_group_of_one_that_ends_with_the_block() -> None:
    for _ in range(2):
        with process_group():
            assert dist.get_world_size() == 1
            assert parallel_state.get_data_parallel_world_size() == 1
        assert not dist.is_initialized()


def test_a_running_group_is_used_and_left_alone() -> None:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        with process_group():
            pass
        assert dist.is_initialized()
        assert not parallel_state.model_parallel_is_initialized()
    finally:
        dist.destroy_process_group()


def test_a_layout_that_needs_more_ranks_is_refused() -> None:
    with pytest.raises(ModelError, match="start a multiple of 2"), process_group(tensor_parallel=2):
        pytest.fail("not reached")
    assert not dist.is_initialized()


@pytest.mark.slow
def test_under_a_launcher_the_ranks_come_together() -> None:
    seen = sorted((json.loads(out) for out in run_ranks(2, "neo_assets_tests.model.group_probe", "2", "1")), key=str)
    assert [(s["rank"], s["ranks"], s["tensor"], s["data"], s["left"]) for s in seen] == [
        (0, 2, 0, 0, True),
        (1, 2, 1, 0, True),
    ]


def test_kernels_may_be_left_free() -> None:
    with deterministic(1, kernels=False):
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.get_num_threads() == 1
