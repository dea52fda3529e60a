"""The kernel that annotates English documents with every quality signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from neo_assets.text.annotate import Annotate
from neo_assets.text.signals import ENGLISH_SIGNALS, Measured, Signal

if TYPE_CHECKING:
    from neo_assets.text.units import Units


@dataclass(frozen=True)
class AnnotateEnglish(Annotate):
    """Kernel: appends one column per signal of `ENGLISH_SIGNALS`, and `quality_score` if there is a quality model."""

    SIGNALS: ClassVar[tuple[Signal, ...]] = ENGLISH_SIGNALS

    def measure_texts(self, texts: Sequence[str]) -> tuple[Measured, Units]:
        """The signals of texts that need no model, and their words."""
        from neo_assets.text.measure_english import english_lists, measure_english

        return measure_english(texts, english_lists(self.stop_words, self.bad_words))
