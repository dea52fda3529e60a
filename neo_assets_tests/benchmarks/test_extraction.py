"""The benchmark of extraction: its score, its gold, and that it runs without the other systems."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.extraction import Found, f1, page_f1, part_f1, quality, speed
from benchmarks.extraction_gold import GoldPage, Part, navigation_pages, parts
from benchmarks.peers.extraction_protocol import SentPage

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_quick_benchmark_runs_without_peers_and_names_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.extraction", "--quick", "--output", str(tmp_path)]
    nobody = os.environ | {"NEO_PEERS": str(tmp_path / "none")}
    done = subprocess.run(command, cwd=REPOSITORY, env=nobody, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "extraction.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in report.splitlines() if line.startswith("| Chinese statutes")]
    assert float(rows[0][2].strip("*")) > 0.95
    assert float(rows[1][1].replace(",", "")) > 0
    assert "Quick run: not a measurement" in report
    assert "Not installed, so not measured: trafilatura, resiliparse" in report
    assert " failed on " not in report


def test_f1_by_hand() -> None:
    assert f1("abcdef", "abcde f") == f1("# **abcdef**", "abcdef") == f1("", "") == 1.0
    assert f1("", "abcdef") == f1("abcdef", "") == f1("abc", "abd") == 0.0
    assert f1("1. abcdef\n 12. ghi", "abcdef ghi") == 1.0 > f1("1.5 abcdef", "abcdef")
    assert f1("abcdefg", "abcdef") == pytest.approx(2 * 2 / (3 + 2))  # abcde, bcdef of three and of two
    assert f1("aaaaaaa", "aaaaa") == pytest.approx(2 * 1 / (3 + 1))


@given(st.text(), st.text())
def test_f1_is_symmetric_and_a_share(one: str, other: str) -> None:
    assert 0.0 <= f1(one, other) == f1(other, one) <= 1.0
    assert f1(one, one) == 1.0


def page(identity: str, gold: str | None, title: str = "") -> GoldPage:
    return GoldPage(identity, SentPage("http://a.test/", b"", "text/html", None, ""), gold, title)


def test_a_title_may_be_repeated_or_not_and_a_book_is_scored_as_a_whole() -> None:
    assert (
        page_f1(page("a", "the text", "Title"), "Title\nthe text")
        == page_f1(page("a", "the text", "Title"), "the text")
        == 1
    )
    book = Part("book", (page("a", None), page("b", None)), "first half second half")
    found = {"a": Found("first half", 0.1, ""), "b": Found("second half", 0.1, "")}
    assert part_f1(book, found) == 1.0


def test_ours_is_bold_where_it_is_at_least_as_good_as_both_rivals() -> None:
    part = Part("part", (page("a", "some longer text"),))
    good, bad = {"a": Found("some longer text", 0.5, "")}, {"a": Found("some longer", 2.0, "")}
    row = quality([part], [], {"neo-assets": good, "trafilatura": bad, "resiliparse": good}).rows[0]
    assert row[2:] == ("**1.000**", row[3], "1.000")
    assert quality([part], [], {"neo-assets": bad, "trafilatura": good}).rows[0][2] == row[3]
    rates = {line[0]: line[1:] for line in speed([part], {"neo-assets": good, "trafilatura": bad}).rows}
    assert rates == {"part": ("2", "0"), "**all**": ("2", "0"), "times trafilatura": ("4.0x", "1.0x")}


def test_the_gold_has_every_part_and_no_empty_text() -> None:
    known = parts()
    assert len(known) == 13
    identities = [one.identity for part in known for one in part.pages]
    assert len(identities) == len(set(identities)) > 700
    for part in known:
        assert part.pages
        assert all(one.gold for one in part.pages) if part.whole is None else part.whole
        assert all("\ufffd" not in one.page.decoded for one in part.pages)
    assert {one.page.charset for part in known if part.title == "conflicting charset" for one in part.pages} == {
        None, "gbk", "utf-8", "iso-8859-1",
    }  # fmt: skip
    assert len(navigation_pages()) > 5
