"""The verbs that only describe work: the same for every engine."""

from __future__ import annotations

from neo_assets.engine.relation import Attached, Kernel, Mapped, Queried, Relation


class Verbs:
    """Builds lazy relations; `write` is an engine's own."""

    def map(self, relation: Relation, *kernels: Kernel) -> Relation:
        """The relation with each kernel applied in turn."""
        for kernel in kernels:
            relation = Mapped(relation, kernel)
        return relation

    def query(self, sql: str, *, judges: str | None = None, **relations: Relation) -> Relation:
        """The result of SQL over named relations.

        Raises:
            ValueError: the statement has no ORDER BY, or `judges` names none of the relations.
        """
        if "order by" not in sql.lower():
            raise ValueError("a query must end in a total ORDER BY: row order is part of a dataset's content")
        if judges is not None and judges not in relations:
            raise ValueError(f"judges={judges!r} is none of the relations {sorted(relations)}")
        return Queried(sql, relations, judges)

    def attach(self, relation: Relation, side: Relation) -> Relation:
        """The relation's rows in their order, with the columns of the row of `side` that has the same `doc_id`."""
        return Attached(relation, side)
