"""Which columns of its views a statement needs: read off the plan that Spark makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neo_assets.engine.spark.views import MARK


def columns_read(optimized: Any, views: int) -> list[frozenset[str]]:
    """For each view the columns that the optimized plan uses.

    What is asked of the plan: columns that a step computes with, those that come out at the end, and all that a step
    of several inputs puts in one row after the other (a union names none). Steps in between pass columns on under the
    same number.
    """
    read: list[set[str]] = [set() for _ in range(views)]
    leaves: list[tuple[int, dict[int, str]]] = []
    used = {number for number, _ in _attributes(optimized.output())}
    for step in _steps(optimized):
        children = list(_sequence(step.children()))
        used |= {number for number, _ in _attributes(step.references().toSeq())}
        if step.nodeName() == "MapInArrow":
            marker = next(name for _, name in _attributes(children[0].output()))
            leaves.append((int(marker.removeprefix(MARK)), dict(_attributes(step.output()))))
        elif len(children) > 1 and step.nodeName() != "Join":
            used |= {number for child in children for number, _ in _attributes(child.output())}
        for subquery in _sequence(step.subqueries()):
            used |= {number for number, _ in _attributes(subquery.output())}
    for view, columns in leaves:
        read[view] |= {name for number, name in columns.items() if number in used}
    return [frozenset(names) for names in read]


def _steps(plan: Any) -> Iterator[Any]:
    yield plan
    for child in (*_sequence(plan.children()), *_sequence(plan.subqueries())):
        yield from _steps(child)


def _attributes(sequence: Any) -> Iterator[tuple[int, str]]:
    """Number and name of each attribute."""
    for attribute in _sequence(sequence):
        yield attribute.exprId().id(), attribute.name()


def _sequence(sequence: Any) -> Iterator[Any]:
    return (sequence.apply(index) for index in range(sequence.size()))
