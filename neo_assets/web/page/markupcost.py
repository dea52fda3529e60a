"""What a page's markup would cost to parse, exactly as HTML's rules make it: one pass over the bytes.

Comments, quoted attributes and scripts are read as the tokenizer of the standard does. The pass is compiled, so it
costs seconds at its first call; `hostile` calls it for the few pages that are not harmless at first sight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neo_assets.compiled import compiled

LOOK_BACK = 100
STACK = 4_096
OVERFLOW = 1 << 40
"""Elements opened anew where more formatting elements are open than are counted."""

Bytes = Any


def _key(name: str) -> int:
    """A tag's name as the scanner packs it: its first seven bytes, the first one lowest."""
    return int.from_bytes(name.encode("ascii")[:7], "little")


FORMATTING_NAMES = (
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
)  # fmt: skip
NEVER_OPEN_NAMES = (
    "a", "nobr", "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr", "p", "li", "dt", "dd", "td", "th", "tr", "option", "optgroup",
)  # fmt: skip
RAW_NAMES = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
FORMATTING = np.array([_key(name) for name in FORMATTING_NAMES])
NEVER_OPEN = np.array([_key(name) for name in NEVER_OPEN_NAMES])
"""Void elements, and those that the next of their kind closes: they do not nest by themselves."""
RAW = np.array([_key(name) for name in RAW_NAMES])
FOREIGN = np.array([_key(name) for name in ("svg", "math")])
LINK = _key("a")


def cost(source: str) -> tuple[int, int, int]:
    """Pairs of attributes of the same tag, elements opened anew, and open elements walked through: upper bounds.

    Linear in the length: some milliseconds per MB.
    """
    data = np.frombuffer(source.encode("utf-8", "replace"), np.uint8)
    pairs, reopened, walked = _cost(data, FORMATTING, NEVER_OPEN, RAW, FOREIGN)
    return int(pairs), int(reopened), int(walked)


@compiled()
def _cost(data: Bytes, formatting: Bytes, never_open: Bytes, raw: Bytes, foreign: Bytes) -> tuple[int, int, int]:
    n, place = len(data), 0
    pairs, reopened, walked = 0, 0, 0
    depth, active = 0, 0
    names = np.zeros(STACK, np.int64)
    identities = np.zeros(STACK, np.uint64)
    n_open = np.zeros(1024, np.int64)
    foreign_seen = False
    while place + 1 < n:
        if data[place] != 60:  # <
            place += 1
            continue
        following = data[place + 1]
        if following == 33 or following == 63:  # ! ?
            place = _after_comment(data, place + 2)
            continue
        closing = following == 47  # /
        begin = place + 1 + closing
        if begin >= n or not (97 <= (data[begin] | 32) <= 122):
            place += 1
            continue
        name, place = _name(data, begin)
        n_attributes, identity, place = _attributes(data, place)
        pairs += n_attributes * n_attributes
        slot = (name * 2654435761 >> 7) & 1023
        is_formatting = _has(formatting, name)
        if not is_formatting:
            reopened += active
        if closing:
            if is_formatting:
                walked += depth
                active = _without(names, identities, active, name)
            if n_open[slot] > 0:
                n_open[slot] -= 1
                depth -= 1
            continue
        if is_formatting:
            walked += depth * (name == LINK)
            if active == STACK:
                return pairs, OVERFLOW, walked
            active = _with(names, identities, active, name, identity)
        if not _has(never_open, name):
            n_open[slot] += 1
            depth += 1
        foreign_seen |= _has(foreign, name)
        if _has(raw, name) and not foreign_seen:
            place = _after_raw(data, place, name)
    return pairs, reopened, walked


@compiled()
def _has(keys: Bytes, key: int) -> bool:
    found = False
    for one in keys:
        found |= one == key
    return found


@compiled()
def _after_comment(data: Bytes, place: int) -> int:
    """The place behind a comment, declaration or processing instruction whose `<!` or `<?` ends at `place`."""
    n = len(data)
    if place + 1 < n and data[place] == 45 and data[place + 1] == 45 and data[place - 1] == 33:
        place += 2
        if place < n and data[place] == 62:  # <!-->
            return place + 1
        begin = place
        while place < n:
            if data[place] == 62:  # -->, and --!>, and <!--->
                back = place - 1 - (place - begin >= 3 and data[place - 1] == 33)
                if back >= begin and data[back] == 45 and (back == begin or data[back - 1] == 45):
                    return place + 1
            place += 1
        return n
    while place < n and data[place] != 62:
        place += 1
    return place + 1


@compiled()
def _name(data: Bytes, place: int) -> tuple[int, int]:
    """A tag's name in lower case, packed, and the place behind it."""
    key: Any = np.int64(0)
    shift = 0
    while place < len(data):
        byte = data[place]
        if byte in (9, 10, 12, 13, 32, 47, 62):
            break
        if shift < 56:
            key |= np.int64(byte | 32 if 65 <= byte <= 90 else byte) << shift
            shift += 8
        place += 1
    return key, place


@compiled()
def _attributes(data: Bytes, place: int) -> tuple[int, int, int]:
    """How many attributes a tag has, a hash of them, and the place behind the tag."""
    n, n_attributes = len(data), 0
    identity: Any = np.uint64(14695981039346656037)
    start = place
    while place < n:
        byte = data[place]
        if byte == 62:
            place += 1
            break
        if byte in (9, 10, 12, 13, 32, 47):
            place += 1
            continue
        n_attributes += 1
        place += 1
        while place < n and data[place] not in (9, 10, 12, 13, 32, 47, 61, 62):
            place += 1
        after = place
        while after < n and data[after] in (9, 10, 12, 13, 32):
            after += 1
        if after < n and data[after] == 61:  # =
            place = after + 1
            while place < n and data[place] in (9, 10, 12, 13, 32):
                place += 1
            if place < n and (data[place] == 34 or data[place] == 39):
                quote = data[place]
                place += 1
                while place < n and data[place] != quote:
                    place += 1
                place += 1
            else:
                while place < n and data[place] not in (9, 10, 12, 13, 32, 62):
                    place += 1
    if n_attributes:
        for index in range(start, min(place, start + 500, n)):
            identity = (identity ^ np.uint64(data[index])) * np.uint64(1099511628211)
    return n_attributes, identity, place


@compiled()
def _with(names: Bytes, identities: Bytes, active: int, name: int, identity: int) -> int:
    """One more formatting element, unless three equal ones are open ("Noah's Ark clause") or it is a link in a link."""
    equal = 0
    for index in range(active - 1, max(active - LOOK_BACK, 0) - 1, -1):
        if names[index] == name and (identities[index] == identity or name == LINK):
            equal += 1
            if equal == 3 or name == LINK:
                return active
    names[active] = name
    identities[active] = identity
    return active + 1


@compiled()
def _without(names: Bytes, identities: Bytes, active: int, name: int) -> int:
    """The last formatting element of this name closed."""
    for index in range(active - 1, max(active - LOOK_BACK, 0) - 1, -1):
        if names[index] == name:
            for later in range(index, active - 1):
                names[later] = names[later + 1]
                identities[later] = identities[later + 1]
            return active - 1
    return active


@compiled()
def _after_raw(data: Bytes, place: int, name: int) -> int:
    """The place of the end tag of a script or its like, or the end."""
    n = len(data)
    while place + 2 < n:
        if data[place] == 60 and data[place + 1] == 47:
            key, _ = _name(data, place + 2)
            if key == name:
                return place
        place += 1
    return n
