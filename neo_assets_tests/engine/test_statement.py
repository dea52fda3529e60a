# ruff: noqa: S608
"""Every ORDER BY says where nulls stand, and nothing else of a statement changes."""

from __future__ import annotations

import pytest

from neo_assets.engine.spark.statement import for_spark, nulls_last

L = " NULLS LAST"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT a FROM t ORDER BY a", f"SELECT a FROM t ORDER BY a{L}"),
        ("SELECT a FROM t ORDER BY a DESC, b ;", f"SELECT a FROM t ORDER BY a DESC{L}, b{L} ;"),
        (
            "SELECT a FROM t order by a nulls first, b LIMIT 3\n",
            f"SELECT a FROM t order by a nulls first, b{L} LIMIT 3\n",
        ),
        ("SELECT a FROM t ORDER BY MD5(a, b), c", f"SELECT a FROM t ORDER BY MD5(a, b){L}, c{L}"),
        (
            "SELECT ROW_NUMBER() OVER (PARTITION BY a, b ORDER BY c, d) FROM t ORDER BY ALL -- ORDER BY x",
            f"SELECT ROW_NUMBER() OVER (PARTITION BY a, b ORDER BY c{L}, d{L}) FROM t ORDER BY ALL{L} -- ORDER BY x",
        ),
        (
            "SELECT SUM(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY a",
            f"SELECT SUM(a) OVER (ORDER BY b{L} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY a{L}",
        ),
        (
            "SELECT 'ORDER BY ''x', \"order by\" FROM t /* ORDER BY */ ORDER BY \"a, b\"",
            f"SELECT 'ORDER BY ''x', \"order by\" FROM t /* ORDER BY */ ORDER BY \"a, b\"{L}",
        ),
        ("SELECT a AS rows FROM t ORDER BY rows, range", f"SELECT a AS rows FROM t ORDER BY rows{L}, range{L}"),
        (
            "SELECT * FROM (SELECT a FROM t ORDER BY a LIMIT 1) ORDER BY (SELECT MAX(b) FROM u), a NULLS FIRST",
            f"SELECT * FROM (SELECT a FROM t ORDER BY a{L} LIMIT 1) ORDER BY (SELECT MAX(b) FROM u){L}, a NULLS FIRST",
        ),
        ("SELECT a FROM t", "SELECT a FROM t"),
    ],
)
def test_nulls_come_last(sql: str, told: str) -> None:
    assert nulls_last(sql) == told
    assert nulls_last(told) == told


def test_a_backslash_is_a_character() -> None:
    sql = r"""SELECT 'a\b''\' AS "a\b", `c\` FROM t -- 'x\y'"""
    assert for_spark(sql) == r"""SELECT 'a\\b''\\' AS "a\b", `c\` FROM t -- 'x\y'"""
