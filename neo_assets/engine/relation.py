"""Lazy rows: a tree of committed tables, kernels and SQL, carried out when it is written to the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from neo_assets.lake.dataset import ROWS, Dataset

Kernel: TypeAlias = Callable[[pa.RecordBatch], pa.RecordBatch]
"""A pure, picklable function over a batch of rows, whose result does not depend on how rows are batched."""


@dataclass(frozen=True)
class Mapped:
    """The rows of `source`, each batch sent through `kernel`; row order is that of the source."""

    source: Relation
    kernel: Kernel


@dataclass(frozen=True)
class Queried:
    """The result of SQL over named relations. The statement must end in a total ORDER BY.

    `judges` names the relation whose rows the result judges: the conservation count starts from it.
    """

    sql: str
    relations: Mapping[str, Relation]
    judges: str | None = None


@dataclass(frozen=True)
class Attached:
    """The rows of `source` in their order, each with the columns of the row of `side` that has its `doc_id`, or nulls.

    `side` has at most one row a document and is ordered by `doc_id`. A join in SQL would send every row, text and all,
    through one sort; this sends only the side through one, and works part by part.
    """

    source: Relation
    side: Relation


@dataclass(frozen=True)
class Streamed:
    """Rows from outside the lake, read once when they are carried out: batches of one schema, each small enough
    for memory. Equal calls give equal rows."""

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]


Relation: TypeAlias = Dataset | Mapped | Queried | Attached | Streamed | pa.Table


@dataclass(frozen=True)
class Draft:
    """What an asset returns: tables still to be computed, files, and metadata worth a look.

    `views` are files for people, whose bytes may differ between installations: they are no content.
    `scratch` is whatever must outlive the files until they are written (a `TemporaryDirectory`).
    """

    tables: Mapping[str, Relation] = field(default_factory=dict)
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    views: Mapping[str, Path | bytes] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    scratch: object = None

    @classmethod
    def of(cls, result: Draft | Relation) -> Draft:
        """A bare relation is the main table."""
        return result if isinstance(result, Draft) else cls(tables={ROWS: result})


def landed(relation: Relation, land: Callable[[Streamed], Dataset]) -> Relation:
    """The same tree with every stream replaced by the table that `land` makes of it."""
    match relation:
        case Streamed():
            return land(relation)
        case Mapped(source=source):
            return replace(relation, source=landed(source, land))
        case Attached(source=source, side=side):
            return Attached(landed(source, land), landed(side, land))
        case Queried(relations=relations):
            return replace(relation, relations={name: landed(given, land) for name, given in relations.items()})
        case _:
            return relation


def rows_judged(relation: Relation) -> int | None:
    """How many rows a judgement starts from, counted at its source; None where that is not known before running."""
    match relation:
        case Dataset():
            return relation.rows
        case pa.Table():
            return int(relation.num_rows)
        case Mapped(source=source) | Attached(source=source):
            return rows_judged(source)
        case Queried(relations=relations, judges=str(name)):
            return rows_judged(relations[name])
        case _:
            return None
