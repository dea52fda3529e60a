"""Every partitions definition and mapping of the graph, in one place. Keys come from the recipe, or are found."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from neo_assets.recipe.recipe import Recipe, load_recipe

EVERY_EARLIER_DAY = -36_500
"""A start offset (days) before any crawl: 'this day and all before it'."""


@dataclass(frozen=True)
class Partitions:
    """The partitions definitions of one recipe."""

    crawl_days: dg.DailyPartitionsDefinition
    english_sources: dg.StaticPartitionsDefinition
    domains: dg.StaticPartitionsDefinition
    subsets: dg.StaticPartitionsDefinition
    chunks: dg.TimeWindowPartitionsDefinition
    checkpoints: dg.TimeWindowPartitionsDefinition


def ordinal(prefix: str, count: int) -> dg.TimeWindowPartitionsDefinition:
    """Keys `prefix_001` to `prefix_{count}`, of which each can depend on the one before.

    Only time partitions may depend on themselves, so an ordinal is the day of a year that is never shown.
    """
    if not 1 <= count < 365:
        raise ValueError(f"{prefix}: {count} partitions; an ordinal holds 1 to 364")
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule="0 0 * * *", start=f"{prefix}_001", end=f"{prefix}_{count + 1:03d}", fmt=f"{prefix}_%j"
    )


def partitions_of(recipe: Recipe) -> Partitions:
    """The partitions definitions of a recipe."""
    crawl, training = recipe.crawl, recipe.training
    return Partitions(
        crawl_days=dg.DailyPartitionsDefinition(
            start_date=crawl.start.isoformat(), end_date=crawl.end.isoformat() if crawl.end else None
        ),
        english_sources=dg.StaticPartitionsDefinition(list(recipe.english.sources)),
        domains=dg.StaticPartitionsDefinition(list(recipe.supplement.domains)),
        subsets=dg.StaticPartitionsDefinition(list(recipe.corpus.subsets)),
        chunks=ordinal("chunk", training.n_checkpoints),
        checkpoints=ordinal("ckpt", training.n_checkpoints),
    )


ACTIVE = partitions_of(load_recipe())
crawl_days, english_sources = ACTIVE.crawl_days, ACTIVE.english_sources
domains, subsets = ACTIVE.domains, ACTIVE.subsets
chunks, checkpoints = ACTIVE.chunks, ACTIVE.checkpoints

ROUNDS = range(1, load_recipe().supplement.rounds + 1)
"""The rounds of the supplement: no partitions, for each reads the one before, but assets of their own."""

document_batches = dg.DynamicPartitionsDefinition(name="document_batches")
"""Batches of documents: those of the recipe, and folders that appear in the inbox. `neo` and a sensor add them."""


def batches_to_make(recipe: Recipe, found: Iterable[str] = ()) -> dict[str, list[str]]:
    """The keys of the dynamic partitions that a recipe names, and those found in its inbox, by definition."""
    return {str(document_batches.name): sorted({*recipe.documents.batches, *found})}


def _earlier(start: int, end: int) -> dg.TimeWindowPartitionMapping:
    """Partitions at these offsets, as far as they exist."""
    with warnings.catch_warnings():
        # The parameter is beta in the pinned version; nothing stable gives the first partition an empty input.
        warnings.filterwarnings("ignore", message=".*allow_nonexistent_upstream_partitions", category=dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(
            start_offset=start, end_offset=end, allow_nonexistent_upstream_partitions=True
        )


PREVIOUS = _earlier(-1, -1)
"""The partition before; the first one gets an empty handle."""

UP_TO = _earlier(EVERY_EARLIER_DAY, 0)
"""The same day and every day before it."""

BEFORE = _earlier(EVERY_EARLIER_DAY, -1)
"""Every day before; an empty handle for the first."""

ALL = dg.AllPartitionMapping()
"""Every partition."""

FIRST_DAY = dg.SpecificPartitionsPartitionMapping([load_recipe().crawl.start.isoformat()])
"""The first crawl day, so that later days change nothing."""

SAME_ORDINAL = dg.TimeWindowPartitionMapping()
"""The chunk of the same ordinal as the checkpoint."""


LAST = dg.LastPartitionMapping()
"""The last partition."""


def searched_sources(recipe: Recipe) -> dg.PartitionMapping:
    """The English sources that an English domain is looked for in; none for a Chinese domain."""
    english = {name for name, domain in recipe.supplement.domains.items() if domain.language == "english"}
    return dg.StaticPartitionMapping({source: english for source in recipe.searched_sources if english})


SEARCHED = searched_sources(load_recipe())
"""What the crawl and the dumps brought for the English line."""
