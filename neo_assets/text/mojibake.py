"""Text that was decoded wrongly, and the script of Chinese text.

Wrongly decoded text is found by undoing it. Characters are turned back into the bytes that GBK, Windows-1252 (Latin-1)
or code page 437 would have read them from; where characters of multi-byte UTF-8 follow one another in these bytes, the
text was UTF-8 once. That finds 锛屾槸涓€ (，是一), ä¸­å›½ (中国), double encoding (Ã¤Â¸Â­) and 锟斤拷, which is the
replacement character so read. GBK read as Latin-1 (ÖÐ¹ú) is a run of letters that Western languages do not have side by
side; 烫烫烫烫 and 屯屯屯屯 are what unset memory looks like in GBK.

On the seed: no real document of 344, Simplified and Traditional, has a share of 0.005; garbled in any of these ways,
all have more than 0.01, and half of them more than 0.4. Big5 read as GBK is not found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.seed import SEED_FOLDER

UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]

SCRIPTS_FILE = "lists/scripts.zh.json"
TRADITIONAL, SIMPLIFIED = 1, 2

_N_POINTS = 0x110000
_CP1252, _CP437 = 16, 24
"""Where a table entry has the bytes of a character: two of GBK, one each of the other two encodings."""
_STARTS_AT_FIRST, _STARTS_AT_SECOND, _GOES_ON_FROM_FIRST, _GOES_ON_FROM_SECOND, _SUSPECT = (
    np.uint64(1 << bit) for bit in range(32, 37)
)
"""Whether UTF-8 may start at a byte of this GBK character, or go on in it if it started so in the character before, and
whether other wrong decoding may start here: two table entries rule out nearly all places."""
_ON_TO_START = np.uint64(2)
_EITHER_START = _STARTS_AT_FIRST | _STARTS_AT_SECOND
_LEAST_SEQUENCES = 2
_LEAST_SEQUENCES_GBK = 3
"""Two start by chance at one in ten thousand characters of Tang poems, three at one in two hundred thousand."""
_REPLACEMENTS = np.array([0x951F, 0x65A4, 0x62F7], np.uint32)
_LEAST_RUN = 4
_LATIN_FIRST, _LATIN_LAST, _MULTIPLY, _DIVIDE = 0xA1, 0xFE, 0xD7, 0xF7
_UNSET_MEMORY = "烫屯葺"
_UNSET_1, _UNSET_2, _UNSET_3 = map(ord, _UNSET_MEMORY)


@lru_cache(maxsize=1)
def mojibake_table() -> UInt64s:
    """For every code point its bytes in GBK, Windows-1252 and code page 437, where not ASCII: uint64[0x110000]."""
    table = np.zeros(_N_POINTS, np.uint64)
    for lead in range(0x81, 0xFF):
        for trail in (*range(0x40, 0x7F), *range(0x80, 0xFF)):
            character = bytes((lead, trail)).decode("gb18030", "ignore")
            if len(character) == 1:
                table[ord(character)] |= np.uint64(lead << 8 | trail)
    table[ord("€")] |= np.uint64(0x80)  # one byte in Microsoft's GBK
    for byte in range(0x80, 0x100):
        for character in {bytes((byte,)).decode("cp1252", "ignore"), chr(byte)} - {""}:
            table[ord(character)] |= np.uint64(byte << _CP1252)
        table[ord(bytes((byte,)).decode("cp437"))] |= np.uint64(byte << _CP437)
    first, second = (table >> np.uint64(8)) & np.uint64(0xFF), table & np.uint64(0xFF)
    tests = {
        _STARTS_AT_FIRST: (first >= 0xE1) & (second >= 0x80) & (second < 0xC0),
        _STARTS_AT_SECOND: second >= 0xE1,
        _GOES_ON_FROM_FIRST: (first >= 0x80) & (first < 0xC0) & (second >= 0xE1) | (table == 0x80),
        _GOES_ON_FROM_SECOND: (first >= 0x80) & (first < 0xC0) & (second >= 0x80) & (second < 0xC0) | (table == 0x80),
        _SUSPECT: ((table >> np.uint64(_CP1252)) & np.uint64(0xFF) >= 0xC2) | (table >> np.uint64(_CP437) >= 0xC2),
    }
    for bit, chosen in tests.items():
        table[chosen] |= bit
    table[[*range(_LATIN_FIRST, _LATIN_LAST + 1), *_points(_UNSET_MEMORY)]] |= _SUSPECT
    return table


@compiled()
def mojibake_chars(points: UInt32s, start: int, end: int, table: UInt64s) -> int:
    """How many of the characters `points[start:end]` are wrongly decoded; a character counts once. Linear."""
    found = 0
    covered = start
    following = table[points[start]] if start < end else np.uint64(0)
    for i in range(start, end):
        entry = following
        following = table[points[i + 1]] if i + 1 < end else np.uint64(0)
        starts = entry & (following >> _ON_TO_START) & _EITHER_START
        if not (starts | (entry & _SUSPECT)) or i < covered:
            continue
        stop = _utf8_as_gbk(points, i, end, table)
        stop = max(stop, _utf8_as_bytes(points, i, end, table, _CP1252), _utf8_as_bytes(points, i, end, table, _CP437))
        stop = max(stop, _gbk_as_latin(points, i, end), _unset_memory(points, i, end), _replacements(points, i, end))
        found += stop - i
        covered = stop
    return found


@compiled()
def _pair(entry: np.uint64) -> int:
    """Its two bytes in GBK."""
    return int(np.int64(entry) & 0xFFFF)


@compiled()
def _byte(entry: np.uint64, shift: int) -> int:
    """Its byte in one of the other encodings."""
    return int((np.int64(entry) >> shift) & 0xFF)


@compiled()
def _n_bytes(lead: int) -> int:
    """The length of the UTF-8 character that starts with this byte, 0 if none of two or three bytes does."""
    if 0xC2 <= lead <= 0xDF:
        return 2
    return 3 if 0xE1 <= lead <= 0xEF else 0


@compiled()
def _utf8_as_bytes(points: UInt32s, start: int, end: int, table: UInt64s, shift: int) -> int:
    """Where a run of UTF-8 ends of which each byte has become a character; `start` if there is none."""
    n_sequences = 0
    i = start
    while i < end:
        length = _n_bytes(_byte(table[points[i]], shift))
        if length == 0 or i + length > end:
            break
        for j in range(i + 1, i + length):
            byte = _byte(table[points[j]], shift)
            if not 0x80 <= byte < 0xC0:
                length = 0
        if length == 0:
            break
        i += length
        n_sequences += 1
    return i if n_sequences >= _LEAST_SEQUENCES else start


@compiled()
def _utf8_as_gbk(points: UInt32s, start: int, end: int, table: UInt64s) -> int:
    """Where a run of UTF-8 ends of which each two bytes have become a character; `start` if there is none.

    The UTF-8 may start at either byte of the first character. A character at the end counts if its first byte belongs.
    """
    best = start
    for skip in range(2):
        n_sequences = missing = 0
        complete = start
        i = start
        alive = True
        while i < end and alive:
            pair = _pair(table[points[i]])
            for half in range(2):
                if pair == 0:
                    alive = False
                    break
                if i == start and half < skip:
                    continue
                byte = pair & 0xFF if half or pair < 0x100 else pair >> 8
                if missing:
                    alive = 0x80 <= byte < 0xC0
                    missing -= 1
                    if alive and not missing:
                        n_sequences += 1
                        complete = i + 1
                else:
                    missing = 2 if _n_bytes(byte) == 3 else 0
                    alive = missing > 0
                if not alive or pair < 0x100:
                    break
            i += 1
        if n_sequences >= _LEAST_SEQUENCES_GBK:
            best = max(best, complete)
    return best


@compiled()
def _gbk_as_latin(points: UInt32s, start: int, end: int) -> int:
    """Where a run of at least four Latin-1 characters ends, half of them letters; `start` if there is none."""
    i = start
    n_letters = 0
    different = False
    while i < end and _LATIN_FIRST <= points[i] <= _LATIN_LAST:
        n_letters += points[i] >= 0xC0 and points[i] != _MULTIPLY and points[i] != _DIVIDE
        different = different or bool(points[i] != points[start])
        i += 1
    return i if i - start >= _LEAST_RUN and different and 2 * n_letters >= i - start else start


@compiled()
def _replacements(points: UInt32s, start: int, end: int) -> int:
    """Where two replacement characters end whose UTF-8 was read as GBK, 锟斤拷; `start` if there are none."""
    for i in range(_REPLACEMENTS.size):
        if start + i >= end or points[start + i] != _REPLACEMENTS[i]:
            return start
    return start + int(_REPLACEMENTS.size)


@compiled()
def _unset_memory(points: UInt32s, start: int, end: int) -> int:
    """Where a run of at least four equal characters of unset memory ends; `start` if there is none."""
    point = points[start]
    if point != _UNSET_1 and point != _UNSET_2 and point != _UNSET_3:
        return start
    i = start
    while i < end and points[i] == point:
        i += 1
    return i if i - start >= _LEAST_RUN else start


@lru_cache(maxsize=1)
def script_table() -> UInt8s:
    """Which characters only Traditional or only Simplified Chinese has, by OpenCC's tables: uint8[0x110000]."""
    scripts = json.loads((SEED_FOLDER / SCRIPTS_FILE).read_text(encoding="utf-8"))
    table = np.zeros(_N_POINTS, np.uint8)
    table[_points(scripts["traditional"])] = TRADITIONAL
    table[_points(scripts["simplified"])] = SIMPLIFIED
    return table


def _points(characters: Iterable[str]) -> list[int]:
    return [ord(character) for character in characters]


@compiled()
def script_counts(points: UInt32s, start: int, end: int, table: UInt8s) -> tuple[int, int]:
    """Characters of `points[start:end]` that only Traditional Chinese has, and that only Simplified has."""
    n_traditional = n_simplified = 0
    for i in range(start, end):
        n_traditional += table[points[i]] == TRADITIONAL
        n_simplified += table[points[i]] == SIMPLIFIED
    return n_traditional, n_simplified
