"""Whether a released model is the trained one: its logits against the trainer's, on the same tokens."""

from __future__ import annotations

from pathlib import Path

import torch

from neo_assets.model.export.inference import open_model

BATCH_SEQUENCES = 4


def largest_logit_difference(checkpoint: Path, hugging_face: Path, n_ids: int, seed: int) -> float:
    """The largest absolute difference of any logit, over sequences of uniformly drawn ids of full context length.

    Args:
        n_ids: ids in use; rows of padding are never an input.

    0.0 is expected: both sides use PyTorch's SDPA in float32 with one thread.
    """
    from transformers import LlamaForCausalLM

    with open_model(checkpoint) as model:
        draw = torch.Generator().manual_seed(seed)
        ids = torch.randint(0, n_ids, (BATCH_SEQUENCES, model.architecture.seq_length), generator=draw)
        llama = LlamaForCausalLM.from_pretrained(hugging_face, attn_implementation="sdpa", dtype=torch.float32)
        llama.eval()  # type: ignore[no-untyped-call]
        return float((model.logits(ids) - llama(ids).logits).abs().max())
