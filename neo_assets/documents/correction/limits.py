"""What a correction may not do: change much, change numbers, or change the shape of the Markdown."""

from __future__ import annotations

import re

import numpy as np

from neo_assets.documents.correction.prompt import CLOSING, OPENING

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s)>\]]+|[\w.+-]+@[\w-]+\.[\w.]+")
_PREFIX = re.compile(r"^[ \t]*(?:#{1,6} |[-*+] |\d+[.)] |> |\[\^?[^\]]+\]:)?", re.MULTILINE)
_MARKS = "*_`$|[]<>\\~"


def refusal(before: str, after: str, max_change: float) -> str | None:
    """Why a correction is not taken, as one sentence; null where it is. O(n · m) vectorised over one text."""
    if not after.strip():
        return "the answer is empty"
    if any((ord(one) < 32 and one not in "\n\t") or 0xD800 <= ord(one) < 0xE000 or one == "\ufffd" for one in after):
        return "the answer holds control or replacement characters"
    if (OPENING in after) or (CLOSING in after):
        return "the answer holds the marks of the question"
    if before.count("\n") != after.count("\n"):
        return "the answer has other line breaks"
    if _NUMBER.findall(before) != _NUMBER.findall(after):
        return "the answer has other numbers"
    if _ADDRESS.findall(before) != _ADDRESS.findall(after):
        return "the answer has other addresses"
    if _PREFIX.findall(before) != _PREFIX.findall(after) or any(
        before.count(one) != after.count(one) for one in _MARKS
    ):
        return "the answer has other Markdown marks"
    share = changed_share(before, after)
    return f"the answer changes {share:.1%}, more than {max_change:.1%}" if share > max_change else None


def changed_share(before: str, after: str) -> float:
    """The edit distance over the longer text's characters, 0 to 1."""
    longest = max(len(before), len(after))
    return edit_distance(before, after) / longest if longest else 0.0


def edit_distance(left: str, right: str) -> int:
    """Levenshtein's, one row of the table at a time. A run of insertions is a running minimum over the row."""
    if left == right:
        return 0
    other = np.frombuffer(right.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    places = np.arange(len(other) + 1)
    row = places.copy()
    for number, one in enumerate(left, 1):
        best = np.empty_like(row)
        best[0] = number
        np.minimum(row[1:] + 1, row[:-1] + (other != ord(one)), out=best[1:])
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])
