"""Where jobs run, as `NEO_COMPUTE` says."""

from __future__ import annotations

import os

from neo_assets.compute.local import LocalCompute
from neo_assets.compute.protocol import Compute, SettingError
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe

COMPUTE = "NEO_COMPUTE"


class ComputeError(SettingError):
    """A name of no compute."""


def compute_of(lake: Lake, recipe: Recipe) -> Compute:
    """The compute that `NEO_COMPUTE` names: `local`, the default, or `kubernetes`. No cluster is asked for anything.

    Raises:
        ComputeError: it names no compute.
        ProfilesError: the profiles of a cluster's pods are missing or wrong.
    """
    match os.environ.get(COMPUTE) or "local":
        case "local":
            return LocalCompute(lake, recipe)
        case "kubernetes":
            from neo_assets.compute.kubernetes.compute import KubernetesCompute
            from neo_assets.compute.kubernetes.profiles import PodProfiles

            return KubernetesCompute(lake, recipe, PodProfiles.from_environment())
        case other:
            raise ComputeError(f"{COMPUTE}={other}: there are the computes local and kubernetes")
