"""Text that knows where its characters come from: every change of the text carries the places along."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from neo_assets.documents.model import Box, Place


@dataclass(frozen=True, slots=True)
class Origin:
    """A line (or a figure, a table …) on a page."""

    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Strand:
    """A text and the origin of each stretch of it.

    `ends` holds where each stretch ends, not decreasing, the last being the length of the text.
    """

    text: str = ""
    ends: tuple[int, ...] = field(default=())
    origins: tuple[Origin, ...] = field(default=())

    @classmethod
    def of(cls, pieces: Iterable[tuple[str, Origin]]) -> Strand:
        """The pieces one after the other. O(n)."""
        kept = [(text, origin) for text, origin in pieces if text]
        ends, at = [], 0
        for text, _ in kept:
            at += len(text)
            ends.append(at)
        return cls("".join(text for text, _ in kept), tuple(ends), tuple(origin for _, origin in kept))

    def sub(self, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> Strand:
        """Every match replaced. O(n + stretches · log matches).

        A stretch that ended within a match ends at most as far into what replaces it.
        """
        befores: list[int] = [0]
        shifts: list[tuple[int, int, int]] = [(0, 0, 0)]
        pieces: list[str] = []
        last = moved = 0
        for found in pattern.finditer(self.text):
            new = change(found)
            if new == found.group():
                continue
            pieces += [self.text[last : found.start()], new]
            befores.append(found.start())
            shifts.append((moved, found.end() - found.start(), len(new)))
            last = found.end()
            moved += len(new) - (found.end() - found.start())
        if not pieces:
            return self
        pieces.append(self.text[last:])

        def follow(end: int) -> int:
            number = bisect_right(befores, end - 1) - 1
            before, (shift, old, new) = befores[number], shifts[number]
            into = end - before
            return before + shift + (min(into, new) if into < old else into - old + new)

        return Strand("".join(pieces), tuple(follow(end) for end in self.ends), self.origins)

    def wrapped(self, before: str, after: str = "") -> Strand:
        """With markup around it, which counts as part of the first and the last stretch."""
        if not self.origins:
            return self
        ends = [end + len(before) for end in self.ends]
        ends[-1] += len(after)
        return Strand(before + self.text + after, tuple(ends), self.origins)

    def __add__(self, other: Strand) -> Strand:
        moved = tuple(end + len(self.text) for end in other.ends)
        return Strand(self.text + other.text, self.ends + moved, self.origins + other.origins)

    def places(self) -> tuple[Place, ...]:
        """The stretches that have characters: they tile the text."""
        found, start = [], 0
        for end, origin in zip(self.ends, self.origins, strict=True):
            if end > start:
                found.append(Place(start, end, origin.page, origin.box.rounded()))
                start = end
        return tuple(found)
