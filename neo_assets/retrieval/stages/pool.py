"""The pages that are searched, and what is known of them."""

from __future__ import annotations

from typing import NamedTuple

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.supplement import DomainSettings
from neo_assets.retrieval.model import Sited
from neo_assets.retrieval.progress import STATE, is_stopped

KNOWN = "SELECT DISTINCT doc_id, CAST(1 AS INT) AS known FROM positives ORDER BY doc_id"


class Draw(NamedTuple):
    """What a sample depends on beside its pages: the recipe's seed, and a name, another for each round and domain."""

    seed: int
    purpose: str


def pool_of(domain: DomainSettings, english: Dataset, chinese: Dataset) -> Dataset:
    """The pages in the domain's language."""
    return english if domain.language == "english" else chinese


def pages_of(engine: Engine, pool: Relation, draw: Draw) -> Relation:
    """The pages with base URL and keys of the draw."""
    return engine.map(pool, Sited(draw.seed, draw.purpose))


def known_of(engine: Engine, positives: Relation) -> Relation:
    """(doc_id, known = 1) of every positive, by doc_id."""
    return engine.query(KNOWN, positives=positives)


def has_stopped(before: Dataset) -> bool:
    """Whether the loop came to its end in the round that gave these positives, or before."""
    return STATE in before.manifest.files and is_stopped(before.file(STATE).read_bytes())
