"""A model small enough to train in a second, shared by the tests of this folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from neo_assets.recipe.training import TrainingSection

EOD = 60
SEED = 7


def tiny_training(steps_per_chunk: int = 2, **architecture: Any) -> TrainingSection:
    """2 layers of 32, 64 rows, context 16; 4 fundamental steps and 2 decay steps of 4 sequences."""
    tiny = {"n_layers": 2, "hidden_size": 32, "n_heads": 4, "n_kv_groups": 2, "ffn_size": 48, "vocab_rows": 64}
    cosine = {"kind": "cosine", "peak_lr": 1e-2, "min_lr": 1e-3, "warmup_steps": 1, "decay_steps": 4}
    half_life = {"kind": "half_life", "peak_lr": 5e-3, "min_lr": 0.0}
    return TrainingSection.model_validate(
        {
            "architecture": "tiny",
            "architectures": {"tiny": {**tiny, "seq_length": 16, **architecture}},
            "microbatch_sequences": 2,
            "phases": [
                {
                    "name": "fundamental",
                    "n_steps": 4,
                    "steps_per_chunk": steps_per_chunk,
                    "batch_sequences": 4,
                    "schedule": cosine,
                },
                {
                    "name": "decay",
                    "n_steps": 2,
                    "steps_per_chunk": 2,
                    "batch_sequences": 4,
                    "finetune": True,
                    "schedule": half_life,
                },
            ],
        }
    )


def learnable_tokens(n_sequences: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """[n, 17] ids below 60, each decided by the one before, with some documents ending inside."""
    start = np.random.default_rng(seed).integers(0, 60, (n_sequences, 1))
    tokens = (start * 3 + np.arange(17) * 7) % 60
    tokens[::3, 5] = EOD
    return tokens.astype(np.int32)
