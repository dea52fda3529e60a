"""AdamW as megatron-core configures it: what both stacks share."""

from __future__ import annotations

from typing import Any

import torch

from neo_assets.model.stack.megatron import OptimizerConfig
from neo_assets.recipe.training import OptimiserSettings


def optimizer_config(settings: OptimiserSettings, **fields: Any) -> OptimizerConfig:
    """Megatron's configuration of AdamW; the learning rate is given at every step. `fields` add or replace."""
    values: dict[str, Any] = {
        "optimizer": "adam",
        "lr": 1.0,
        "weight_decay": settings.weight_decay,
        "adam_beta1": settings.beta1,
        "adam_beta2": settings.beta2,
        "adam_eps": settings.eps,
        "clip_grad": settings.clip_norm,
        "params_dtype": torch.float32,
    }
    return OptimizerConfig(**values | fields)


def spare_norms(groups: list[dict[str, Any]], weight_decay: float) -> None:
    """Give every group its share of weight decay: megatron marks norms by `wd_mult` 0 and leaves it at that."""
    for group in groups:
        group["weight_decay"] = weight_decay * group["wd_mult"]


def create_adam_state(optimizer: torch.optim.Optimizer, config: Any = None) -> None:
    """Give every parameter its zero moments, so that state can be loaded before the first step."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if not optimizer.state[parameter]:
                optimizer.state[parameter].update(
                    step=torch.zeros(()), exp_avg=torch.zeros_like(parameter), exp_avg_sq=torch.zeros_like(parameter)
                )
