"""One quality rule as data: which signal it reads, how it compares it, and what a missing signal means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Profile = Literal["corrected", "faithful"]
Comparison = Literal["range", "equals", "absent"]
Bounds = Literal["inclusive", "exclusive", "exclusive_minimum"]
Missing = Literal["passes", "quarantines"]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """Keeps the documents whose signal compares well.

    - `range`: a number from `minimum` to `maximum`; a missing bound does not bind. With `exclusive` bounds a value on a
      bound fails, with `exclusive_minimum` one on the minimum only.
    - `equals`: a text that is `label`.
    - `absent`: null or zero, for signals that name a category where there is one.

    A signal that is null or NaN lets the document pass or puts it in quarantine, as `missing` says; an `absent` rule
    always passes it.
    """

    name: str
    """Its name in the recipe and the decisions; unique within a rule set."""
    signal: str
    """The column it reads."""
    unit: str
    origin: str
    """The work that has the rule first."""
    number: str = ""
    """Its number in MAP-Neo's Matrix: A… and B… English, C… Chinese; empty for our own rules."""
    comparison: Comparison = "range"
    bounds: Bounds = "inclusive"
    profile: Profile = "corrected"
    minimum: float | None = None
    maximum: float | None = None
    label: str | None = None
    """What an `equals` rule compares with."""
    missing: Missing = "quarantines"
    version: int = 1
    """Raised when the same name comes to measure something else."""
    released: str = "the same"
    """What MAP-Neo's released code does instead, or why it has no such rule, in a few words."""

    def fails(self, values: npt.NDArray[np.float64]) -> Mask:
        """Which values a range refuses; NaN is not refused."""
        refused = np.zeros(values.shape, np.bool_)
        if self.minimum is not None:
            refused |= values < self.minimum if self.bounds == "inclusive" else values <= self.minimum
        if self.maximum is not None:
            refused |= values >= self.maximum if self.bounds == "exclusive" else values > self.maximum
        return refused

    def test(self, column: pa.Array) -> tuple[Mask, Mask]:
        """(failed, missing) for each row of the signal's column.

        Raises:
            pyarrow.lib.ArrowInvalid: the column is text where a number is needed.
        """
        if self.comparison == "equals":
            missing = _numpy(pc.is_null(column))
            return ~_numpy(pc.fill_null(pc.equal(column, self.label), True)), missing
        values = numbers(column)
        missing = np.isnan(values)
        if self.comparison == "absent":
            return ~missing & (values != 0), np.zeros_like(missing)
        return self.fails(values), missing

    def thresholds(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The bound that each of these failing values violates; 0 for a category that should be absent."""
        if self.comparison == "absent":
            return np.zeros_like(values)
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        return np.where((self.minimum is not None) & (values <= low), low, high)

    def condition(self) -> str:
        """What a kept document fulfils, as text: `0.1 <= frac_unique <= 0.8`."""
        if self.comparison == "equals":
            return f"{self.signal} = {self.label}"
        if self.comparison == "absent":
            return f"{self.signal} is null or 0"
        below = "" if self.minimum is None else f"{self.minimum:g} {'<=' if self.bounds == 'inclusive' else '<'} "
        above = "" if self.maximum is None else f" {'<' if self.bounds == 'exclusive' else '<='} {self.maximum:g}"
        return f"{below}{self.signal}{above}"


def numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    """A numeric column as float64, its nulls as NaN."""
    values: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _numpy(column: pa.Array) -> Mask:
    mask: Mask = column.to_numpy(zero_copy_only=False)
    return mask
