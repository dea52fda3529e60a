"""The compute protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import dagster as dg

from neo_assets.lake.dataset import Dataset

Profile = Literal["cpu", "gpu", "crawl"]
"""What kind of machine a job wants; a cluster maps it to a pod specification, a laptop to nothing."""


class SettingError(ValueError):
    """A setting of the environment that cannot be followed: one line that names it and says what to do."""


class Compute(Protocol):
    """Runs a job module that writes the asset's partition itself, and hands back what it reported."""

    def run(
        self,
        context: dg.AssetExecutionContext,
        module: str,
        *,
        profile: Profile = "cpu",
        settings: Mapping[str, Any] | None = None,
        **inputs: Dataset,
    ) -> dg.MaterializeResult[None]:
        """Run the module for the context's asset partition, with these inputs.

        Args:
            settings: what an operator set for this run beside the recipe; plain JSON. It must not decide content.

        Raises:
            dg.Failure: the job died, or ended without a report; the message holds the last lines of its log.
        """
        ...
