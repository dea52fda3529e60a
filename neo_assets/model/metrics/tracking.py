"""Step records as TensorBoard event files and as W&B runs, live while training runs.

The horizontal axis is the training position in sequences, which runs on over phases and never depends on how a run was
restarted.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from neo_assets.model.metrics.event_file import FILE_VERSION, START, event
from neo_assets.model.metrics.run_events import SCALARS, Record, position, step_values

SPEED = {"speed/tokens_per_second": "tokens_per_second", "speed/seconds": "seconds", "speed/mfu": "mfu"}
"""Differ between equal runs, so that only live tracking shows them."""


class TrackingError(ValueError):
    """Tracking was asked for in a way that cannot work here."""


class Sink(Protocol):
    """Where the records of a running training go."""

    def step(self, record: Record) -> None:
        """Take one step."""

    def close(self) -> None:
        """Write what is left; nothing may follow."""


class TensorBoardSink:
    """Live event files in a folder: one per process start, readable while it grows.

    Where training goes back, to a snapshot or past a spike, TensorBoard is told to forget the steps from there on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None
        self._last = -1

    def step(self, record: Record) -> None:
        """Append the step and flush."""
        at, now = position(record), time.time()
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = _new_file(self.folder, at)
            self._file.write(event(now, 0, file_version=FILE_VERSION))
            self._last = at  # so that the first step announces itself, for files of earlier starts
        if at <= self._last:
            self._file.write(event(now, at, session=START))
        self._last = at
        self._file.write(event(now, at, scalars=step_values(record, SCALARS | SPEED)))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class WandbSink:
    """A Weights & Biases run. Its key is the library's own affair (`wandb login`, WANDB_API_KEY): never read here.

    Args:
        run: id of the run; a restarted training goes on in the same one.
        mode: offline writes into `folder`, to be uploaded by `wandb sync`.

    Raises:
        TrackingError: the package is missing.
    """

    def __init__(
        self,
        project: str,
        run: str,
        folder: Path,
        *,
        mode: str = "offline",
        entity: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        try:
            wandb: Any = importlib.import_module("wandb")
        except ImportError as error:
            raise TrackingError("W&B tracking needs the package wandb: pip install 'neo-assets[tracking]'") from error
        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            project=project,
            entity=entity,
            id=run,
            name=run,
            resume="allow" if mode == "online" else None,
            mode=mode,
            dir=str(folder),
            config=dict(config or {}),
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, disable_code=True, save_code=False, x_disable_meta=True
            ),
        )
        self._run.define_metric("position")
        self._run.define_metric("*", step_metric="position")

    def step(self, record: Record) -> None:
        """Hand the step to the library, which sends it on from a process of its own."""
        self._run.log({"position": position(record), **dict(step_values(record, SCALARS | SPEED))})

    def close(self) -> None:
        """End the run."""
        self._run.finish()


@dataclass
class Sinks:
    """Several sinks as one. A sink that fails is left out from then on, with a line on stderr: training goes on."""

    sinks: list[Sink] = field(default_factory=list)

    def step(self, record: Record) -> None:
        """Give the step to every sink."""
        for sink in list(self.sinks):
            try:
                sink.step(record)
            except (OSError, ValueError, RuntimeError) as error:
                self.sinks.remove(sink)
                print(f"tracking: {type(sink).__name__} stops: {error}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Close every sink."""
        for sink in self.sinks:
            sink.close()


def sinks_of(tracking: Mapping[str, Any]) -> Sinks:
    """The sinks of a specification; to be called once, by the first rank.

    Args:
        tracking: keys `tensorboard` (folder), `wandb` (arguments of `WandbSink`: project, run, folder, mode, entity,
            config); both optional.

    Raises:
        TrackingError: an unknown key, or a missing package.
    """
    if unknown := sorted(set(tracking) - {"tensorboard", "wandb"}):
        raise TrackingError(f"tracking knows tensorboard and wandb, not {', '.join(unknown)}")
    sinks: list[Sink] = []
    if folder := tracking.get("tensorboard"):
        sinks.append(TensorBoardSink(Path(folder)))
    if given := tracking.get("wandb"):
        sinks.append(WandbSink(**{**given, "folder": Path(given["folder"])}))
    return Sinks(sinks)


def tracking_of(
    environment: Mapping[str, str], run: str, config: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any] | str]:
    """What an operator's environment asks for: `NEO_TRACKING` is a folder, `NEO_WANDB_PROJECT` a W&B project.

    TensorBoard files go into `$NEO_TRACKING/RUN`, W&B's into `$NEO_TRACKING/wandb`; W&B is offline unless WANDB_MODE
    says online. Without `NEO_TRACKING` there is no tracking.

    Raises:
        TrackingError: a project without a folder, or another mode.
    """
    folder, project = environment.get("NEO_TRACKING"), environment.get("NEO_WANDB_PROJECT")
    if not folder:
        if project:
            raise TrackingError("NEO_WANDB_PROJECT needs NEO_TRACKING, the folder that W&B writes to")
        return {}
    asked: dict[str, dict[str, Any] | str] = {"tensorboard": str(Path(folder) / run)}
    if project:
        mode = environment.get("WANDB_MODE", "offline")
        if mode not in ("online", "offline"):
            raise TrackingError(f"WANDB_MODE must be online or offline, not {mode!r}")
        entity = environment.get("WANDB_ENTITY")
        asked["wandb"] = {
            "project": project, "run": run, "folder": str(Path(folder)), "mode": mode, "entity": entity,
            "config": dict(config or {}),
        }  # fmt: skip
    return asked


def _new_file(folder: Path, at: int) -> BinaryIO:
    """A file that no other start has: TensorBoard reads a folder's files in the order of their names."""
    start = len(list(folder.glob("events.out.tfevents.*")))
    while True:
        path = folder / f"events.out.tfevents.{start:010d}.{at}.{os.getpid()}"
        try:
            return path.open("xb")
        except FileExistsError:
            start += 1
