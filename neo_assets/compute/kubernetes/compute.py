"""Jobs as pods that outlive whoever watches them.

A pod is named by what it makes, so whoever asks for the same thing finds it at work and takes it over. What the asset
tells the job and what the job reports goes through a folder of the lake; Kubernetes' own log stream only brings lines
earlier. A pod that Kubernetes took away is replaced by the next one, which goes on where the last one had come.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import dagster as dg
from dagster_pipes import PipesMessage

from neo_assets.compute.kubernetes.attempts import Attempts
from neo_assets.compute.kubernetes.body import Identity, PodMaker
from neo_assets.compute.kubernetes.cluster import Cluster
from neo_assets.compute.kubernetes.profiles import PodProfiles
from neo_assets.compute.order import job_order
from neo_assets.compute.protocol import Profile
from neo_assets.compute.report import Output, failure, result_of, without_internal_warnings
from neo_assets.jobs.channel import published
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe


@dataclass(frozen=True)
class KubernetesCompute:
    """Runs each job in a pod of its profile, or in a Job of several.

    Args:
        kubeconfig: a file with credentials; those of the pod that this runs in when empty.
        poll_seconds: between two looks at a pod's state.
        patience_seconds: how long a Kubernetes that does not answer is asked again.
    """

    lake: Lake
    recipe: Recipe
    profiles: PodProfiles
    kubeconfig: str | None = field(default_factory=lambda: os.environ.get("NEO_KUBECONFIG") or None)
    poll_seconds: float = 2.0
    patience_seconds: float = 600.0

    def run(
        self,
        context: dg.AssetExecutionContext,
        module: str,
        *,
        profile: Profile = "cpu",
        settings: Mapping[str, Any] | None = None,
        **inputs: Dataset,
    ) -> dg.MaterializeResult[None]:
        """Run the module for the context's asset partition, with these inputs; or take over the pod that does."""
        maker, output = PodMaker(self.profiles, profile), Output(context)
        order = job_order(context, self.lake, self.recipe, settings, inputs)
        injector = _Injector()
        with (
            without_internal_warnings(),
            dg.open_pipes_session(
                context=context, context_injector=injector, message_reader=_Reader(), extras=order
            ) as session,
        ):
            cluster = Cluster.connect(
                self.kubeconfig, self.profiles.namespace, self.patience_seconds, context.log.warning
            )
            attempts = Attempts(
                context=context,
                cluster=cluster,
                lake=self.lake,
                maker=maker,
                identity=Identity.of(module, order),
                told=injector.told,
                output=output,
                poll_seconds=self.poll_seconds,
            )
            reason = attempts.to_end()
            for message in attempts.messages if reason is None else ():
                session.message_handler.handle_message(cast("PipesMessage", message))
        if reason is not None:
            raise failure(context, module, reason, output.tail, list(published(attempts.messages).values()))
        return result_of(context, module, session, output.tail)


class _Injector(dg.PipesContextInjector):
    """Keeps what the session would tell a job; it reaches the pod through the lake."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    @contextmanager
    def inject_context(self, context_data: Any) -> Iterator[dict[str, Any]]:
        """Take it."""
        self.told = dict(context_data)
        yield {}

    def no_messages_debug_text(self) -> str:
        """Where to look."""
        return "The order lies in the lake, below .jobs."


class _Reader(dg.PipesMessageReader):
    """The session's messages are handed over when the job has ended, from the lake."""

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[dict[str, Any]]:
        """Nothing to wait for."""
        yield {}

    def no_messages_debug_text(self) -> str:
        """Where to look."""
        return "The messages lie in the lake, below .jobs."
