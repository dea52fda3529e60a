"""A statement as Spark is to be told it, so that it means what it means to DuckDB.

Nulls come last in every ORDER BY: Spark puts them first, and has no setting for it. A backslash in a text is a
character: to Spark it begins an escape, unless a setting is made under which two quotes are no longer one.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)|(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`)|(?P<word>\w+)|(?P<other>.)""",
    re.DOTALL,
)
_AFTER = {"LIMIT", "OFFSET", "FETCH", "ROWS", "RANGE", "GROUPS", "UNION", "INTERSECT", "EXCEPT", "WINDOW"}

NULLS_LAST = " NULLS LAST"


def for_spark(sql: str) -> str:
    """The statement with every text and every ORDER BY written in Spark's way. O(characters)."""
    return nulls_last(plain_texts(sql))


def plain_texts(sql: str) -> str:
    """The statement with the backslashes of texts doubled."""
    found = ((token.lastgroup, token.group()) for token in _TOKEN.finditer(sql))
    return "".join(text.replace("\\", "\\\\") if kind == "quoted" and text[0] == "'" else text for kind, text in found)


def nulls_last(sql: str) -> str:
    """The statement with NULLS LAST after every term of an ORDER BY that says nothing of nulls."""
    tokens = [(found.lastgroup, found.group()) for found in _TOKEN.finditer(sql)]
    places = [place for place, (kind, _) in enumerate(tokens) if kind != "skip"]
    given = [tokens[place][1].upper() if tokens[place][0] == "word" else tokens[place][1] for place in places]
    written = [text for _, text in tokens]
    open_clauses: list[tuple[int, bool]] = []  # depth of the brackets it is in, whether its last term names nulls
    depth = 0
    for at, word in enumerate(given):
        before = given[at - 1] if at else ""
        depth += word == "("
        if open_clauses and open_clauses[-1][0] == depth and before not in {"BY", ","}:
            if word in {",", ")", ";"} or word in _AFTER:
                _, is_explicit = open_clauses.pop()
                if not is_explicit:
                    written[places[at - 1]] += NULLS_LAST
                if word == ",":
                    open_clauses.append((depth, False))
            elif word == "NULLS":
                open_clauses[-1] = depth, True
        depth -= word == ")"
        if word == "BY" and before == "ORDER":
            open_clauses.append((depth, False))
    if open_clauses and not open_clauses[-1][1]:
        written[places[-1]] += NULLS_LAST
    return "".join(written)
