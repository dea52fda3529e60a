"""Sheets of exercises in mathematics, made by PyPI mathematics-dataset 1.0.1 and kept in the cache folder."""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.corpora import cache_folder
from benchmarks.dedup_truth_sources import Package, _pip, fetched

GENERATOR = Package(
    _pip("mathematics-dataset==1.0.1"),
    "mathematics_dataset-*.whl",
    "8ebfe083ed65e07a9a555c9a51449c8e7c0ee097a96880a7183d2e8606081de6",
    "PyPI mathematics-dataset 1.0.1",
)
SHEETS, EXERCISES = 130, 8
"""Sheets a topic, and exercises on one."""
SLOW = re.compile(r"_composed$|^swr_")
"""Makers that think for a second about a problem."""
OPENINGS = ("Exercises.", "Practice with answers.", "Worked problems.", "Quiz", "Homework", "Test yourself:")


def exercises(seed: int = 7) -> dict[str, list[str]]:
    """Sheets by topic. The generator draws with numpy and SymPy, so a sheet is made once and kept."""
    file = cache_folder() / f"exercises-{GENERATOR.sha256[:12]}-{seed}-{SHEETS}-{EXERCISES}.json"
    if not file.exists():
        state = random.getstate()
        made = {topic: list(_sheets(topic, makers, seed)) for topic, makers in _topics().items() if makers}
        random.setstate(state)
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(made), encoding="utf-8")
        unfinished.replace(file)
    found: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _topics() -> dict[str, list[Any]]:
    """The generator's modules by topic; without the slow ones, and those that need an older numpy."""
    # The generator was written for SymPy 1.4, where this function stood one level higher.
    inner = importlib.import_module("sympy.solvers.diophantine.diophantine")
    package = sys.modules["sympy.solvers.diophantine"]
    package.base_solution_linear = inner.base_solution_linear  # type: ignore[attr-defined]
    sys.path.insert(0, str(_wheel()))
    try:
        modules = importlib.import_module("mathematics_dataset.modules.modules")
        makers = modules.train(lambda entropy: (entropy[0], entropy[1]))
    finally:
        sys.path.pop(0)
    return {
        topic: [maker for name, maker in sorted(_flat(given)) if not SLOW.search(name) and _works(maker)]
        for topic, given in sorted(makers.items())
    }


def _works(maker: Any) -> bool:
    """Whether a maker of problems runs with this numpy; some need attributes that numpy 2 has no more."""
    try:
        for _ in range(3):
            maker()
    except AttributeError:
        return False
    return True


def _wheel() -> Any:
    """The wheel by a name that Python imports from: the cache names files by their digests."""
    link = cache_folder() / "mathematics_dataset.zip"
    if not link.exists():
        link.symlink_to(fetched(GENERATOR))
    return link


def _flat(makers: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, maker in makers.items():
        if isinstance(maker, dict):
            yield from _flat(maker, f"{path}{name}/")
        else:
            yield path + name, maker


def _sheets(topic: str, makers: list[Any], seed: int) -> Iterator[str]:
    import numpy as np

    for number in range(SHEETS):
        name = f"{seed} {topic} {number}"
        draw = random.Random(name)
        random.seed(name)
        np.random.seed(draw.randrange(2**32))
        lines = [draw.choice(OPENINGS)]
        while len(lines) <= EXERCISES:
            try:
                problem = draw.choice(makers)()
            except (AttributeError, ValueError, TypeError):
                continue
            lines.append(f"{len(lines)}. {problem.question} Answer: {problem.answer}")
        yield "\n".join(lines)
