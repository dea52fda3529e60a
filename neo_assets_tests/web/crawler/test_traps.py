"""What makes a URL a trap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.crawl import TrapSettings
from neo_assets.web.crawler.traps import HASH_BYTES, MAX_PAGE_LINES, is_trap, line_hashes, pattern, url_trap


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", None),
        ("/".join("abcdefghijkl"), None),
        ("/".join("abcdefghijkl") + "/", None),
        ("/".join("abcdefghijklm"), "trap: path"),
        ("a/b/a/b", None),
        ("a/b/a/b/a", "trap: repeated segment"),
        ("a//b//c", None),
        ("a//b//c//d", "trap: repeated segment"),
        ("11/11/11/slug.html", None),
        ("news/2024/11/11/11-jahre", None),
        ("s?" + "&".join("abcdef"), None),
        ("s?a=1&a=2&a=3&a=4&a=5&a=6&a=7", "trap: query"),
    ],
)
def test_spelling(path: str, reason: str | None) -> None:
    assert url_trap(f"http://a.test/{path}", TrapSettings()) == reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.test/", None),
        ("http://a.test/about.html", None),
        ("http://a7.test/about.html", None),
        ("http://a.test/%E8%B7%AF/%E4%BA%BA", None),
        ("http://a.test/%E8%B7%AF/2", "a.test/%E8%B7%AF/#?"),
        ("http://a.test/0", "a.test/#?"),
        ("http://a.test:81/cal/2024/05", "a.test:81/cal/#/#?"),
        ("http://a.test/cal?month=5", "a.test/cal?month"),
        ("http://a.test/s?size=1&color=red&size=2", "a.test/s?color&size"),
        ("http://a.test/sanguo/001.html", "a.test/sanguo/#.html?"),
    ],
)
def test_pattern(url: str, expected: str | None) -> None:
    assert pattern(url) == expected


LINES = st.lists(st.text(alphabet="ab1路２ ", max_size=8), max_size=100)


@given(LINES, st.randoms(use_true_random=False))
def test_a_sample_is_the_same_whatever_the_order_and_the_digits(lines: list[str], rng: object) -> None:
    shuffled = [line.replace("1", "234") + "  " for line in [*lines, *lines]]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    sample = line_hashes(lines)
    assert line_hashes(shuffled) == sample
    distinct = {sample[start : start + HASH_BYTES] for start in range(0, len(sample), HASH_BYTES)}
    assert len(sample) == HASH_BYTES * len(distinct) <= HASH_BYTES * MAX_PAGE_LINES


def test_short_lines_say_nothing_and_others_differ() -> None:
    assert line_hashes(["abc", "  路人甲 ", "12345"]) == b""
    assert len(line_hashes(["白日依山盡", "黃河入海流", "黃河入海流", "\ud800abc"])) == 3 * HASH_BYTES
    assert len(line_hashes(f"line {chr(0x4E00 + number)}" for number in range(1000))) == MAX_PAGE_LINES * HASH_BYTES


@pytest.mark.parametrize(
    ("n_pages", "n_new", "expected"), [(23, 0, False), (24, 0, True), (24, 2, True), (24, 3, False), (100, 10, False)]
)
def test_judgement(n_pages: int, n_new: int, expected: bool) -> None:
    assert is_trap(n_pages, n_new, TrapSettings()) == expected
