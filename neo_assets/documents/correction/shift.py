"""Places in a text after it was corrected."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from neo_assets.documents.model import Place


@dataclass(frozen=True)
class Shift:
    """Positions of one text in another: monotone, the ends at the ends. Inside a changed stretch, as far as it goes."""

    pieces: tuple[tuple[int, int, int, int], ...]
    """Stretches of both texts that correspond: start and end in the old, start and end in the new."""

    @classmethod
    def between(cls, before: str, after: str) -> Shift:
        """By the longest common stretches. Quadratic at worst."""
        found = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        return cls(tuple((a, b, c, d) for _, a, b, c, d in found) or ((0, 0, 0, 0),))

    def at(self, position: int) -> int:
        """Where a position of the old text is in the new one."""
        last = self.pieces[-1]
        if position >= last[1]:
            return last[3]
        found = self.pieces[bisect_right(self.pieces, (position, float("inf"))) - 1]
        return min(found[2] + position - found[0], found[3])

    def places(self, places: tuple[Place, ...]) -> tuple[Place, ...]:
        """Places of a block, in its corrected text."""
        return tuple(replace(one, start=self.at(one.start), end=self.at(one.end)) for one in places)
