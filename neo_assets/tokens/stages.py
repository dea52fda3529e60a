"""What the token assets have in common: opening the streams of committed shards, phases' demands, files of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.corpus import MixtureSettings
from neo_assets.recipe.training import PhaseSettings
from neo_assets.tokens.order import PhaseDemand
from neo_assets.tokens.stream import TokenStream, open_stream


def open_streams(token_shards: Dataset) -> dict[str, TokenStream]:
    """The token stream of every subset (partition) of the handle; an empty subset has an empty stream."""
    streams = {}
    for manifest in token_shards.manifests:
        shard = token_shards.partition(manifest.partition)
        streams[str(manifest.partition)] = open_stream(shard.folder(), shard.named("spans").read())
    return streams


def tokens_by_subset(token_shards: Dataset) -> dict[str, int]:
    """Tokens in each subset's stream, from the manifests alone."""
    return {str(m.partition): int(m.metadata["tokens"]) for m in token_shards.manifests}


def demands_of(phases: Iterable[PhaseSettings], mixes: Mapping[str, MixtureSettings]) -> list[PhaseDemand]:
    """What each phase of training reads: its mixture, and as many rows as its steps need."""
    return [PhaseDemand(p.name, mixes[p.name].weights, p.n_steps * p.batch_sequences) for p in phases]


def files_below(folder: str) -> dict[str, Path]:
    """Every file below a folder, by its relative name."""
    root = Path(folder)
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
