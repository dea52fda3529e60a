"""Jobs as processes on this machine, over Dagster Pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from neo_assets.compute.order import job_order
from neo_assets.compute.protocol import Profile
from neo_assets.compute.report import Output, failure, result_of, status_text, without_internal_warnings
from neo_assets.engine.orphan import stopped_with_us
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe

GRACE_SECONDS = 10


@dataclass(frozen=True)
class LocalCompute:
    """Runs each job in a fresh Python process; its output goes to the step's log and, on failure, into the error."""

    lake: Lake
    recipe: Recipe
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        context: dg.AssetExecutionContext,
        module: str,
        *,
        profile: Profile = "cpu",
        settings: Mapping[str, Any] | None = None,
        **inputs: Dataset,
    ) -> dg.MaterializeResult[None]:
        """Run the module for the context's asset partition, with these inputs."""
        order = job_order(context, self.lake, self.recipe, settings, inputs) | {"parent": os.getpid()}
        output = Output(context)
        with (
            without_internal_warnings(),
            dg.open_pipes_session(
                context=context,
                context_injector=dg.PipesTempFileContextInjector(),
                message_reader=dg.PipesTempFileMessageReader(),
                extras=order,
            ) as session,
        ):
            environment = {**os.environ, **session.get_bootstrap_env_vars(), **self.environment}
            environment |= {"PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"}
            code = _run([sys.executable, "-m", module], environment, output)
        if code != 0:
            raise failure(context, module, status_text(code), output.tail, session.get_custom_messages())
        return result_of(context, module, session, output.tail)


def _run(command: list[str], environment: dict[str, str], output: Callable[[str], None]) -> int:
    """Run a process to its end, passing its output on line by line; give its status."""
    with (
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
        stopped_with_us(process, GRACE_SECONDS),
    ):
        for line in process.stdout or ():
            output(line.rstrip("\n"))
        return process.wait()
