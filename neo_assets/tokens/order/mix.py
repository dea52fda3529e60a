"""Subsets and mixture: which subset each kept document belongs to, and what a phase of pre-training reads of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.corpus import CorpusSection, Line, MixtureSettings, SubsetSettings
from neo_assets.tokens.exact import exact

HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#:]*)"

MIXTURE_SCHEMA = pa.schema(
    [
        pa.field("phase", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("language", pa.string()),
        pa.field("category", pa.string()),
        pa.field("unique_tokens", pa.int64()),
        pa.field("repeat_factor", pa.float64()),
        pa.field("weighted_tokens", pa.int64()),
        pa.field("share", pa.float64()),
        pa.field("category_share", pa.float64()),
        pa.field("published_category_share", pa.float64()),
    ]
)


@dataclass(frozen=True)
class AssignSubset:
    """Kernel: the batch of one line's documents with a `subset` column appended (or replaced)."""

    subsets: Mapping[str, SubsetSettings]
    line: Line
    source: str | None = None

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        assigned = assign_subset(batch, self.line, self.subsets, self.source)
        if "subset" in batch.schema.names:
            return batch.set_column(batch.schema.get_field_index("subset"), "subset", assigned)
        return batch.append_column("subset", assigned)


def assign_subset(
    documents: pa.RecordBatch | pa.Table, line: Line, subsets: Mapping[str, SubsetSettings], source: str | None = None
) -> pa.Array:
    """The subset of each document (string, same length): the first of the recipe that takes it.

    Args:
        documents: needs `url` (may be null); its `source` column, where there is one, is used unless `source` is given;
            a column `domain` says for which domain of the supplement a document was recalled.
        line: the cleaning line the documents come from.
        source: the open data set all of them come from.

    Raises:
        ValueError: the recipe has no subset for the line.

    O(documents × subsets).
    """
    names = [name for name, subset in subsets.items() if subset.language == line]
    if not names:
        raise ValueError(f"corpus.subsets has none for the {line} line; add at least a catch-all")
    hosts = url_hosts(_flat(documents.column("url")))
    sources = pa.array([source] * documents.num_rows, pa.string())
    if source is None and "source" in documents.schema.names:
        sources = _flat(documents.column("source"))
    domains = pa.nulls(documents.num_rows, pa.string())
    if "domain" in documents.schema.names:
        domains = _flat(documents.column("domain")).cast(pa.string())
    assigned = pa.array([names[-1]] * documents.num_rows, pa.string())
    for name in reversed(names[:-1]):
        assigned = pc.if_else(_takes(subsets[name], hosts, sources, domains), name, assigned)
    return assigned


def url_hosts(urls: pa.Array) -> pa.Array:
    """The lower-case host of each URL, without user and port; empty where there is none or the URL is null."""
    parts = pc.extract_regex(pc.fill_null(urls.cast(pa.string()), ""), HOST)
    return pc.fill_null(pc.utf8_lower(pc.struct_field(parts, "host")), "")


def _takes(subset: SubsetSettings, hosts: pa.Array, sources: pa.Array, domains: pa.Array) -> pa.Array:
    if subset.is_catch_all:
        return pa.array([True] * len(hosts), pa.bool_())
    taken = pc.is_in(domains, value_set=pa.array(subset.domains, pa.string()))
    taken = pc.or_(taken, pc.is_in(sources, value_set=pa.array(subset.sources, pa.string())))
    taken = pc.or_(taken, pc.is_in(hosts, value_set=pa.array(subset.hosts, pa.string())))
    for host in subset.hosts:
        taken = pc.or_(taken, pc.ends_with(hosts, f".{host}"))
    return taken


def repeat_factors(
    tokens: Mapping[str, int], subsets: Mapping[str, SubsetSettings], mixture: MixtureSettings
) -> dict[str, float]:
    """How often a phase reads each subset: the recipe's weights, those of a category with a share scaled to give it.

    A scaled factor is rounded to nine decimals, so that it reads the same everywhere.

    Raises:
        ValueError: a category with a share, or all others together, have no tokens.
    """
    read = {name: int(tokens[name] * exact(mixture.weights[name])) for name in subsets}
    by_category: dict[str, int] = {}
    for name, subset in subsets.items():
        by_category[subset.category] = by_category.get(subset.category, 0) + read[name]
    rest = sum(n for category, n in by_category.items() if category not in mixture.shares)
    if not mixture.shares:
        return dict(mixture.weights)
    wanting = [str(name) for name in mixture.shares if not by_category.get(name)]
    if wanting := wanting + ["the rest"] * (not rest):
        raise ValueError(f"there are no tokens of {', '.join(wanting)} to give a share; mend the weights or shares")
    total = rest / (1 - sum(mixture.shares.values()))
    scale = {category: share * total / by_category[category] for category, share in mixture.shares.items()}
    return {
        name: round(weight * scale[category], 9) if (category := subsets[name].category) in scale else weight
        for name, weight in mixture.weights.items()
    }


def mixture_tables(tokens: Mapping[str, int], corpus: CorpusSection) -> pa.Table:
    """`mixture_table` of every phase, one below the other."""
    return pa.concat_tables([mixture_table(phase, tokens, corpus) for phase in corpus.phases])


def mixture_table(phase: str, tokens: Mapping[str, int], corpus: CorpusSection) -> pa.Table:
    """What a phase reads of each subset, in the recipe's order (`MIXTURE_SCHEMA`).

    `weighted_tokens` is the whole part of tokens × repeat factor, as in MAP-Neo's mixture files.

    Raises:
        KeyError: no such phase, or no token count for a subset.
    """
    mixture = corpus.phases[phase]
    factors = repeat_factors(tokens, corpus.subsets, mixture)
    weighted = {name: int(tokens[name] * exact(factors[name])) for name in corpus.subsets}
    total = sum(weighted.values())
    categories: dict[str, int] = {}
    for name, subset in corpus.subsets.items():
        categories[subset.category] = categories.get(subset.category, 0) + weighted[name]
    rows = [
        {
            "phase": phase,
            "subset": name,
            "language": subset.language,
            "category": subset.category,
            "unique_tokens": tokens[name],
            "repeat_factor": factors[name],
            "weighted_tokens": weighted[name],
            "share": weighted[name] / total if total else 0.0,
            "category_share": categories[subset.category] / total if total else 0.0,
            "published_category_share": mixture.published_shares.get(subset.category),
        }
        for name, subset in corpus.subsets.items()
    ]
    return pa.Table.from_pylist(rows, schema=MIXTURE_SCHEMA)


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
