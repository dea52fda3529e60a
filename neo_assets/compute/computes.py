"""Where jobs run, as `NEO_COMPUTE` says."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from neo_assets.compute.local import LocalCompute
from neo_assets.compute.protocol import Compute, SettingError
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe

if TYPE_CHECKING:
    from neo_assets.compute.kubernetes.leftovers import Leftovers

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


def leftovers_of(lake: Lake, kept: timedelta) -> Leftovers | None:
    """What ended longer ago than that and is still in the cluster; None where jobs are processes of this machine.

    Raises:
        ProfilesError: the profiles of a cluster's pods are missing or wrong.
        ComputeError: Kubernetes refuses to list them, or does not answer.
    """
    if os.environ.get(COMPUTE) != "kubernetes":
        return None
    from neo_assets.compute.kubernetes.cluster import Cluster, ClusterError
    from neo_assets.compute.kubernetes.leftovers import Leftovers
    from neo_assets.compute.kubernetes.profiles import PodProfiles

    profiles = PodProfiles.from_environment()
    kubeconfig = os.environ.get("NEO_KUBECONFIG") or None
    try:
        cluster = Cluster.connect(kubeconfig, profiles.namespace, patience_seconds=20.0, say=print)
        return Leftovers.of(cluster, lake, profiles.have_jobs, kept)
    except ClusterError as error:
        raise ComputeError(str(error)) from error
