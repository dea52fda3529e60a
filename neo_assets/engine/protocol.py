"""The engine protocol: verbs that describe work, and one that carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from neo_assets.engine.relation import Kernel, Relation
from neo_assets.lake.manifest import Resources
from neo_assets.lake.writer import VersionWriter

Progress = Callable[[str, int, int], None]
"""Called with what is being done, units done and units in all."""


class Engine(Protocol):
    """Moves rows. Every engine gives the same rows in the same order, so content digests are equal."""

    @property
    def name(self) -> str:
        """What manifests call it."""
        ...

    def map(self, relation: Relation, *kernels: Kernel) -> Relation:
        """The relation with each kernel applied in turn."""
        ...

    def query(self, sql: str, *, judges: str | None = None, **relations: Relation) -> Relation:
        """The result of SQL (the subset that DuckDB and Spark share, ending in a total ORDER BY) over relations.

        SQL loses the marks of volatile columns: leave such columns out of a statement.
        """
        ...

    def attach(self, relation: Relation, side: Relation) -> Relation:
        """The relation's rows in their order, with the columns of the row of `side` that has the same `doc_id`, or
        nulls. `side` has at most one row a document, ordered by `doc_id`."""
        ...

    def write(self, relation: Relation, writer: VersionWriter, table: str) -> Resources:
        """Carry the relation out into a table of the version, verdicts routed, and say what it took."""
        ...
