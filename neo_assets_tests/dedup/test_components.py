from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.components import Stars, UnfinishedError, star_statements
from neo_assets.lake.records import VERDICT_COLUMNS
from neo_assets.recipe.dedup import NearSettings
from neo_assets_tests.dedup.relations import component_verdicts, mapped, measured_pairs, star_edges

ENGLISH = NearSettings(normalisation="english", rule="components")
Edge = tuple[int, int]


def name(node: int) -> str:
    """Not in the order of the numbers."""
    return f"d{node * 7919 % 10007:05}"


def pairs_of(edges: list[Edge]) -> list[tuple[str, str, int, float | None]]:
    named = [sorted((name(one), name(two)), reverse=True) for one, two in edges]
    return [(later, first, 0, 0.9) for later, first in named]


def naive_stars(edges: list[Edge]) -> dict[str, str]:
    """Union-find: every node but the first of its component, with the first."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for one, two in edges:
        first, later = sorted((root(name(one)), root(name(two))))
        parent[later] = first
    return {node: root(node) for node in parent if root(node) != node}


def found_stars(edges: list[Edge], chosen: NearSettings = ENGLISH) -> dict[str, str]:
    rows = mapped(star_edges(measured_pairs(pairs_of(edges)), chosen), Stars(chosen.max_rounds)).to_pylist()
    stars = {row["node"]: row["root"] for row in rows}
    assert len(stars) == len(rows)
    return stars


NODES = st.integers(0, 12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(NODES, NODES).filter(lambda edge: edge[0] != edge[1]), max_size=20, unique=True))
def test_components_equal_union_find(edges: list[Edge]) -> None:
    assert found_stars(edges) == naive_stars(edges)


def random_edges(n_nodes: int, n_edges: int, seed: int) -> list[Edge]:
    drawn = np.random.default_rng(seed).integers(0, n_nodes, (n_edges, 2)).tolist()
    return sorted({(one, two) for one, two in drawn if one != two})


@pytest.mark.parametrize(
    "edges",
    [
        [(i, i + 1) for i in range(1000)],
        [(i, 500) for i in range(1000) if i != 500],
        [(i, i // 2) for i in range(1, 1000)],
        [(i, j) for i in range(40) for j in range(i)],
        random_edges(1000, 400, 1),
        random_edges(1000, 700, 2),
        random_edges(1000, 3000, 3),
        [*((i, i + 1) for i in range(300)), *((i, 400) for i in range(401, 600)), (700, 701)],
    ],
    ids=["chain", "star", "tree", "clique", "forest", "critical", "giant", "mixed"],
)
def test_large_components(edges: list[Edge]) -> None:
    assert found_stars(edges) == naive_stars(edges)


@pytest.mark.parametrize("max_rounds", [1, 2, 3, 4, 7])
def test_a_search_cut_short_fails(max_rounds: int) -> None:
    few = ENGLISH.model_copy(update={"max_rounds": max_rounds})
    with pytest.raises(UnfinishedError, match=f"in {max_rounds} rounds: raise max_rounds"):
        found_stars([(i, i + 1) for i in range(1000)], few)
    assert found_stars([(1, 2)], few) == naive_stars([(1, 2)])


def test_unrolled_rounds_add_up() -> None:
    for max_rounds in (1, 3, 4, 24, 27, 28, 100):
        statements = list(star_statements(ENGLISH.model_copy(update={"max_rounds": max_rounds})))
        assert sum(statement.count("small_0 AS") for statement in statements) == len(statements)
        assert sum(statement.count("HAVING") for statement in statements) == 0
        rounds = sum(statement.count(" AS both_ways") for statement in statements)
        assert rounds == max_rounds


def test_verdicts() -> None:
    texts = dict.fromkeys("abcdefg", "x")
    pairs = measured_pairs(
        [("c", "b", 0, 0.85), ("c", "a", 0, 0.7), ("d", "c", 1, 0.95), ("d", "a", 2, 0.9), ("f", "e", 0, 0.79)]
    )
    verdicts = component_verdicts(texts, pairs, ENGLISH)
    assert {d: row["survivor"] for d, row in verdicts.items()} == dict.fromkeys("aefg") | dict.fromkeys("bcd", "a")
    assert {d: verdicts[d]["similarity"] for d in "bcd"} == {"b": 0.85, "c": 0.95, "d": 0.95}
    for doc_id in "bcd":
        row = verdicts[doc_id]
        assert (row["verdict"], row["rule"], row["threshold"]) == ("rejected", "near_duplicate", 0.8)
        assert (row["value"], row["reason"]) == (row["similarity"], "component of 4 documents")
    for doc_id in "aefg":
        assert verdicts[doc_id]["verdict"] == "kept"
        assert all(verdicts[doc_id][field.name] is None for field in VERDICT_COLUMNS[1:])


def test_nothing_verified_links_every_pair() -> None:
    chosen = ENGLISH.model_copy(update={"verify": "nothing"})
    verdicts = component_verdicts(
        dict.fromkeys("abc", "x"), measured_pairs([("b", "a", 0, None), ("c", "b", 0, None)]), chosen
    )
    assert [verdicts[d]["survivor"] for d in "abc"] == [None, "a", "a"]
    assert [verdicts["c"][column] for column in ("value", "threshold", "similarity")] == [None] * 3
    assert verdicts["c"]["reason"] == "component of 3 documents"
