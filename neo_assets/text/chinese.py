"""The kernel that annotates Chinese documents with every quality signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from neo_assets.text.annotate import Annotate
from neo_assets.text.signals import CHINESE_SIGNALS, Measured, Signal

if TYPE_CHECKING:
    from neo_assets.text.units import Units


@dataclass(frozen=True)
class AnnotateChinese(Annotate):
    """Kernel: appends one column per signal of `CHINESE_SIGNALS`, and `quality_score` if there is a quality model."""

    SIGNALS: ClassVar[tuple[Signal, ...]] = CHINESE_SIGNALS

    def measure_texts(self, texts: Sequence[str]) -> tuple[Measured, Units]:
        """The signals of texts that need no model, and their words."""
        from neo_assets.text.measure_chinese import chinese_lists, measure_chinese

        return measure_chinese(texts, chinese_lists(self.stop_words, self.bad_words))
