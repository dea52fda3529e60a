"""Where a training job shows itself while it runs, and how many processes read for it: never what comes out."""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
from pydantic import Field

VARIABLES = {"folder": "NEO_TRACKING", "wandb_project": "NEO_WANDB_PROJECT", "loader_workers": "NEO_LOADER_WORKERS"}


class TrackingResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Live curves of training, and the processes that read batches.

    The curves in the assets' own metadata and files need none of this.
    """

    folder: str = Field(default="", description="Folder for live TensorBoard and W&B files; empty: none.")
    wandb_project: str = Field(
        default="", description="Weights & Biases project (needs the extra `tracking` and a folder); empty: none."
    )
    loader_workers: int = Field(default=0, ge=0, le=64, description="Processes that read batches ahead; 0: none.")

    @classmethod
    def from_environment(cls) -> TrackingResource:
        """The values of the environment's `VARIABLES`."""
        given: dict[str, Any] = {name: os.environ.get(variable) for name, variable in VARIABLES.items()}
        return cls(**{name: value for name, value in given.items() if value})

    @property
    def settings(self) -> dict[str, Any]:
        """Plain JSON, for a job's order: the variables that `model.metrics.tracking` looks for, and the readers."""
        tracked = {VARIABLES[name]: getattr(self, name) for name in ("folder", "wandb_project")}
        return {"tracking": tracked, "loader_workers": self.loader_workers}
