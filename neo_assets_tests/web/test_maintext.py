"""Extraction against the sources that the pages were made from."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

import pytest

from neo_assets.web import docs, seed
from neo_assets.web.charset import decode
from neo_assets.web.hosts import NOVELS, POEMS
from neo_assets.web.maintext import main_text, tidy
from neo_assets.web.site import build_site

TOKEN = re.compile(r"[㐀-鿿]|[A-Za-z0-9]+")


def tokens(text: str) -> Counter[str]:
    return Counter(TOKEN.findall(text))


def precision_recall_f1(found: Counter[str], gold: Counter[str]) -> tuple[float, float, float]:
    common = sum((found & gold).values())
    precision, recall = common / max(1, sum(found.values())), common / max(1, sum(gold.values()))
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


@pytest.mark.parametrize("lang", ["en", "zh-cn"])
def test_debmake_pages_against_the_books_text(lang: str) -> None:
    # Measured: en P .999 R .857 F1 .922; zh-cn P .998 R .837 F1 .910 (lists of links are left out as navigation).
    names = [f.path for f in seed.manifest() if f.path.startswith("web/debmake/") and f.lang == lang]
    found: Counter[str] = Counter()
    for name in names:
        if "/index." not in name:
            found += tokens(main_text(seed.read_text(name))[1])
    precision, recall, f1 = precision_recall_f1(found, tokens(seed.read_text(f"gold/debmake.{lang}.txt")))
    assert precision >= 0.98
    assert recall >= 0.81
    assert f1 >= 0.89


@pytest.mark.parametrize(("host", "floor"), [(docs.PYTHON, 0.95), (docs.SYMPY, 0.96)])
def test_manual_pages_against_their_source(host: str, floor: float) -> None:
    # Measured means: Python F1 .965 (15 pages), SymPy F1 .98 (4 pages; formulas are kept as LaTeX).
    pages = docs.pages()
    scores = []
    for url, gold in docs.gold_of().items():
        place = urlsplit(url)
        if place.netloc == host:
            text = main_text(decode(pages[place.netloc, place.path].body)[0])[1]
            scores.append(precision_recall_f1(tokens(text), tokens(seed.read_text(gold)))[2])
    assert len(scores) in (4, 15)
    assert sum(scores) / len(scores) >= floor
    assert min(scores) >= 0.89


def test_articles_lose_their_navigation_and_nothing_else() -> None:
    site = build_site(0)
    scores = []
    for article in list(site.articles.values())[::7]:
        if article.media_type == "text/html":
            page = site.pages[article.host, article.path].body.decode(article.encoding)
            title, text = main_text(page)
            gold = tokens("\n".join((article.title, *article.paragraphs)))
            scores.append(precision_recall_f1(tokens(text), gold)[2])
            assert title == " ".join(article.title.split())
    assert len(scores) > 60
    assert min(scores) >= 0.98  # measured .992, on the mirror's template


def test_paragraphs_and_verses_stay_apart() -> None:
    site = build_site(0)
    chapter = site.articles[f"http://{NOVELS}/sanguo/003.html"]
    page = site.pages[NOVELS, "/sanguo/003.html"].body.decode()
    lines = main_text(page)[1].split("\n")
    assert all(tidy(paragraph) in lines for paragraph in chapter.paragraphs)
    poems = site.articles[f"http://{POEMS}/qts/001.html"].paragraphs
    lines = main_text(site.pages[POEMS, "/qts/001.html"].body.decode())[1].split("\n")
    assert all(line in lines for poem in poems for line in poem.split("\n")[1:])


def test_scripts_forms_and_comments_are_left_out_and_formulas_kept() -> None:
    page = (
        "<html><head><title> A\n title </title><script>var x;</script><style>p{}</style></head>"
        "<body><article><h1>Head</h1>"
        '<p>Some text with a formula <img alt="x^2 + y^2" src="f.png"> in it, long enough to stay.</p><p></p>'
        "<pre>code\n  indented</pre><noscript>no</noscript><form><input value='form'></form></article></body></html>"
    )
    title, text = main_text(page)
    assert title == "A title"
    assert "x^2 + y^2" in text
    assert "code\n  indented" in text
    assert not set(text.split()) & {"var", "x;", "p{}", "no", "form"}


def test_empty_pages_give_empty_text() -> None:
    assert main_text("") == ("", "")
    assert main_text("<html></html>") == ("", "")


def test_tidy() -> None:
    assert tidy("\r\n a \t\n\n\n\nb\u00a0\n") == "a\n\nb"
