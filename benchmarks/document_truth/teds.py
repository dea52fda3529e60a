"""Tree edit distance based similarity of two tables (TEDS), as PubTabNet defines it.

A table is a tree of its elements. Inserting or removing one costs 1; renaming costs 1 where tag, rowspan or colspan
differ, otherwise for two cells the normalized edit distance of their texts, and 0 for all else. TEDS is
1 - distance / (elements within the larger table). Source: Zhong, ShafieiBavani and Jimeno Yepes, "Image-based table
recognition: data, model, and evaluation", 2020. The distance is Zhang and Shasha's (1989).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from lxml import html as lxml_html  # type: ignore[import-untyped]
from rapidfuzz.distance import Levenshtein

CELLS = ("td", "th")


@dataclass(frozen=True, slots=True)
class Node:
    """An element of a table: its tag, its spans, its text (of cells only), and what is in it."""

    tag: str
    rowspan: int = 1
    colspan: int = 1
    text: str = ""
    children: tuple[Node, ...] = field(default=(), compare=False)

    @property
    def size(self) -> int:
        """Elements of the tree."""
        return 1 + sum(child.size for child in self.children)


def teds(found: str, truth: str, structure_only: bool = False, sections: bool = True) -> float:
    """How alike two tables in HTML are, 0 to 1; 0 where one of them is no table.

    `structure_only` leaves texts out of account; without `sections`, thead and tbody count as if they were not there
    (as OmniDocBench has it). O(n² m²) at worst for n and m elements, in practice about 9 n m.
    """
    one, other = (parse_table(html, sections) for html in (found, truth))
    if one is None or other is None:
        return 0.0
    if found == truth:
        return 1.0
    return 1.0 - tree_distance(one, other, structure_only) / max(one.size - 1, other.size - 1, 1)


def parse_table(html: str, sections: bool = True) -> Node | None:
    """The tree of the first table of some HTML; without `sections`, rows are the table's own children."""
    if not html.strip():
        return None
    tables = lxml_html.document_fromstring(html).xpath("//table")
    if not tables:
        return None
    return _node(tables[0], sections)


def rename_cost(one: Node, other: Node, structure_only: bool) -> float:
    """What it costs to make one element the other, 0 to 1."""
    if (one.tag, one.rowspan, one.colspan) != (other.tag, other.rowspan, other.colspan):
        return 1.0
    if structure_only or one.tag not in CELLS or not (one.text or other.text):
        return 0.0
    return _text_cost(one.text, other.text)


def tree_distance(one: Node, other: Node, structure_only: bool = False) -> float:
    """The least cost of making one tree the other."""
    left, right = _Postorder(one), _Postorder(other)
    distance = [[0.0] * len(right.nodes) for _ in left.nodes]
    for i in left.roots:
        for j in right.roots:
            _fill(left, right, i, j, distance, structure_only)
    return distance[-1][-1]


def _fill(
    left: _Postorder, right: _Postorder, i: int, j: int, distance: list[list[float]], structure_only: bool
) -> None:
    """The distances of all subtrees on the left-most paths of two key roots, by those of their forests."""
    first, second = left.leftmost[i], right.leftmost[j]
    width = j - second + 2
    above = [float(column) for column in range(width)]
    table = [above]
    for x in range(first, i + 1):
        row = [above[0] + 1.0] + [0.0] * (width - 1)
        for y in range(second, j + 1):
            column = y - second + 1
            cheapest = min(above[column], row[column - 1]) + 1.0
            if left.leftmost[x] == first and right.leftmost[y] == second:
                cost = above[column - 1] + rename_cost(left.nodes[x], right.nodes[y], structure_only)
                distance[x][y] = row[column] = min(cheapest, cost)
            else:
                before = table[left.leftmost[x] - first][right.leftmost[y] - second]
                row[column] = min(cheapest, before + distance[x][y])
        table.append(row)
        above = row


class _Postorder:
    """The nodes of a tree after their children, the left-most leaf of each, and the key roots in order."""

    def __init__(self, tree: Node) -> None:
        self.nodes: list[Node] = []
        self.leftmost: list[int] = []
        self._add(tree)
        self.roots = sorted({leaf: number for number, leaf in enumerate(self.leftmost)}.values())

    def _add(self, node: Node) -> int:
        leaves = [self._add(child) for child in node.children]
        self.nodes.append(node)
        self.leftmost.append(leaves[0] if leaves else len(self.nodes) - 1)
        return self.leftmost[-1]


def _node(element: lxml_html.HtmlElement, sections: bool) -> Node:
    if element.tag in CELLS:
        text = " ".join(element.text_content().split())
        return Node("td", _span(element, "rowspan"), _span(element, "colspan"), text)
    children: list[Node] = []
    for child in element:
        if isinstance(child.tag, str):
            node = _node(child, sections)
            children.extend(node.children if node.tag in ("thead", "tbody") and not sections else (node,))
    return Node(str(element.tag), children=tuple(children))


def _span(element: lxml_html.HtmlElement, name: str) -> int:
    value = element.get(name, "1").strip()
    return int(value) if value.isdigit() else 1


@lru_cache(maxsize=200_000)
def _text_cost(one: str, other: str) -> float:
    return float(Levenshtein.normalized_distance(one, other))
