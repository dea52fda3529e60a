"""How well formulas are read: as Matplotlib sets them, and as a browser does in a font that training never saw.

`python -m benchmarks.document_truth.formulas` prints, by length in tokens: how many were read exactly, the mean of
1 - edit distance / length over canonical tokens, and both again for those that the reader was sure enough of.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from benchmarks.document_truth.printing import FLAGS, chromium
from neo_assets.documents.formulas import bundled, picture
from neo_assets.documents.formulas.fences import joined, stretched
from neo_assets.documents.formulas.grammar import formulas
from neo_assets.documents.formulas.rendering import RenderingError, render, style
from neo_assets.documents.formulas.repair import FormulaError, repaired
from neo_assets.documents.formulas.sources import seed_formulas
from neo_assets.documents.formulas.tokens import canonical, similarity
from neo_assets.recipe.documents import FormulaSettings

SEED = 20_260_101
LENGTHS = (10, 25, 45, 75, 1000)
"""Upper bounds of the groups by length, in tokens."""
MATH_FONT = "DejaVu Math TeX Gyre"

Case = tuple[list[str], NDArray[np.uint8]]


@dataclass(frozen=True)
class Reading:
    """One formula that was read."""

    tokens: tuple[str, ...]
    found: tuple[str, ...]
    score: float

    @property
    def exact(self) -> bool:
        """Token by token."""
        return self.tokens == self.found

    @property
    def similarity(self) -> float:
        """1 less the normalised edit distance."""
        return similarity(self.tokens, self.found)


def printed(formulas: Sequence[list[str]], scan: bool) -> Iterator[Case]:
    """As mathtext sets them: clean at 150 to 230 dots an inch, or worn as a scan."""
    chance = Random(SEED)
    for tokens in formulas:
        how = replace(style(chance), dpi=chance.uniform(150, 230))
        try:
            ink = render(tokens, how)
        except RenderingError:
            continue
        yield tokens, picture.worn(ink, chance) if scan else 255 - np.pad(ink, 4)


def browsed(formulas: Sequence[list[str]], scan: bool = False, font: str = MATH_FONT) -> Iterator[Case]:
    """As Chromium sets their MathML: another engine and another font, at 192 dots an inch."""
    from latex2mathml.converter import convert
    from PIL import Image
    from playwright.sync_api import sync_playwright

    rows = "".join(f'<div class="f">{convert(joined(stretched(one)), display="block")}</div>' for one in formulas)
    page_text = (
        '<meta charset="utf-8"><style>.f { display: table; padding: 6px; margin: 4px } math { font-size: 14px; '
        f'font-family: "{font}", math }}</style>{rows}'
    )
    chance = Random(SEED)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(device_scale_factor=2, viewport={"width": 1400, "height": 900})
        page.set_content(page_text)
        for tokens, element in zip(formulas, page.query_selector_all(".f"), strict=True):
            crop = np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("L"))
            yield tokens, picture.worn(picture.ink_of(crop), chance) if scan else crop
        browser.close()


def read(cases: Iterable[Case]) -> list[Reading]:
    """What our own reader makes of them; what it refuses has score 0."""
    found = []
    for tokens, crop in cases:
        answer = bundled.read(crop)
        try:
            latex, score = (repaired(answer[0]), answer[1]) if answer else ("", 0.0)
        except FormulaError:
            latex, score = "", 0.0
        found.append(Reading(tuple(tokens), tuple(canonical(latex)), score))
    return found


def summary(readings: Sequence[Reading], min_score: float) -> list[dict[str, float | int | str]]:
    """A row for each group of lengths, and one for all."""
    rows: list[dict[str, float | int | str]] = []
    for low, high in [*zip((0, *LENGTHS), LENGTHS, strict=False), (0, LENGTHS[-1])]:
        group = [one for one in readings if low < len(one.tokens) <= high]
        sure = [one for one in group if one.score >= min_score]
        rows.append(
            {
                "tokens": "all" if (low, high) == (0, LENGTHS[-1]) else f"{low + 1}-{high}", "n": len(group),
                "exact": _mean([one.exact for one in group]), "similarity": _mean([one.similarity for one in group]),
                "kept": round(len(sure) / max(1, len(group)), 3),
                "exact_kept": _mean([one.exact for one in sure]),
                "similarity_kept": _mean([one.similarity for one in sure]),
            }
        )  # fmt: skip
    return rows


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3) if values else 0.0


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--min-score", type=float, default=FormulaSettings().min_score)
    parser.add_argument("--only", choices=["clean", "scan", "browser", "browser_scan", "seed"])
    parser.add_argument("--show", type=int, default=0, help="so many of the worst")
    options = parser.parse_args()
    made = formulas(SEED, options.count)
    real = [list(one) for one in seed_formulas()]
    sets: dict[str, Callable[[], Iterable[Case]]] = {
        "clean": lambda: printed(made, False), "scan": lambda: printed(made, True), "browser": lambda: browsed(made),
        "browser_scan": lambda: browsed(made, scan=True), "seed": lambda: browsed(real),
    }  # fmt: skip
    for name, cases in sets.items():
        if options.only in (None, name):
            pictures = list(cases())
            started = time.process_time()
            readings = read(pictures)
            print(name, f"{(time.process_time() - started) / max(1, len(readings)):.3f} CPU s each")
            for row in summary(readings, options.min_score):
                print("  ", json.dumps(row))
            for one in sorted(readings, key=lambda one: one.similarity - one.score)[: options.show]:
                print(f"{one.similarity:.2f} {one.score:.2f} {joined(one.tokens)}  |  {joined(one.found)}")


if __name__ == "__main__":
    main()
