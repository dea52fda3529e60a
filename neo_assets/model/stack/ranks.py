"""Process groups and the settings of a process: which ranks share the work, and how strictly kernels repeat."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from neo_assets.model.stack.megatron import parallel_state
from neo_assets.model.stack.protocol import ModelError

LAUNCHER = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
STRICT_ENVIRONMENT = {
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # cuBLAS repeats its sums only with a workspace of fixed size
    "NVTE_ALLOW_NONDETERMINISTIC_ALGO": "0",  # Transformer Engine's attention
    "NCCL_ALGO": "Ring",  # left to itself NCCL may choose another order of summation on the next run
}


@contextmanager
def process_group(tensor_parallel: int = 1, pipeline_parallel: int = 1, backend: str | None = None) -> Iterator[None]:
    """Megatron's process groups for the time of the block; the remaining factor of the ranks is data-parallel.

    A group that runs already is used and left alone. Under a launcher (torchrun: RANK, WORLD_SIZE, MASTER_ADDR and
    MASTER_PORT in the environment) its ranks come together. Otherwise a group of one process is made over an in-memory
    store: no port, no file, so any number of processes can train at once.

    Args:
        backend: torch's name of it; None takes gloo for tensors in host memory and, on a machine with GPUs, NCCL for
            those on a GPU (each rank takes the GPU of its LOCAL_RANK).

    Raises:
        ModelError: the number of ranks is no multiple of what the layout needs.
    """
    own = not dist.is_initialized()
    if own:
        _initialise(backend, tensor_parallel)
    try:
        split, ranks = tensor_parallel * pipeline_parallel, dist.get_world_size()
        if ranks % split:
            raise ModelError(
                f"{ranks} ranks cannot be laid out as tensor_parallel {tensor_parallel} x pipeline_parallel"
                f" {pipeline_parallel}; start a multiple of {split}"
            )
        parallel_state.initialize_model_parallel(tensor_parallel, pipeline_parallel)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"megatron\.")  # of its own deprecated calls and absent extensions
            warnings.filterwarnings(
                "ignore", r"`torch\.distributed\.\w+` is deprecated", FutureWarning
            )  # its calls too
            yield
    finally:
        parallel_state.destroy_model_parallel()
        if own:
            dist.destroy_process_group()


def _initialise(backend: str | None, tensor_parallel: int) -> None:
    launched = all(name in os.environ for name in LAUNCHER)
    ranks = os.environ["WORLD_SIZE"] if launched else "1"
    if os.environ.get("LOCAL_WORLD_SIZE", ranks) == ranks:  # all on this machine: nothing listens to the network
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    gpu = torch.cuda.is_available() and dist.is_nccl_available()
    if gpu:
        if tensor_parallel > 1:  # megatron's overlap of sums with products relies on one order of launches
            os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "1")
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    chosen = backend or ("cpu:gloo,cuda:nccl" if gpu else "gloo")
    if launched:
        dist.init_process_group(chosen, init_method="env://")
    else:
        store = dist.HashStore()  # type: ignore[attr-defined]
        dist.init_process_group(chosen, store=store, rank=0, world_size=1)


@contextmanager
def deterministic(n_threads: int, kernels: bool = True) -> Iterator[None]:
    """Fixed thread count and, unless `kernels` is off, deterministic kernels for the time of the block.

    One thread gives identical bits on every run; more need `MKL_CBWR=AVX2,STRICT` in the environment for that. On a GPU
    this has to be entered before anything is computed, since its libraries read the environment once.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(n_threads)
    torch.use_deterministic_algorithms(kernels)
    if kernels and torch.cuda.is_available():
        for name, value in STRICT_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
