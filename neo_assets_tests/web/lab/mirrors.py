"""Copies of one law, one novel and one English text, each changed in a way whose degree is known."""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, replace

from neo_assets.web.bundled.edits import edited
from neo_assets.web.bundled.pages import Article, Page, dress, etag_of, library, portal
from neo_assets_tests.web.lab.parts import Part, steady
from neo_assets_tests.web.lab.texts import originals

HOST = "mirror.lab.test"
SIMPLIFIED = (
    "国会规范务应当处条实现责权义组织团体财产业动经济发权数据时间东西长门问题关开书记说话语认识证书论设计"
    "许进过还达运远选边环节约级线结给统续维综绿总执报护损换据担拥拟挂挡损讲议让训评诉词译试该详误调谁谈请"
    "诸课"
)
TRADITIONAL = (
    "國會規範務應當處條實現責權義組織團體財產業動經濟發權數據時間東西長門問題關開書記說話語認識證書論設計"
    "許進過還達運遠選邊環節約級線結給統續維綜綠總執報護損換據擔擁擬掛擋損講議讓訓評訴詞譯試該詳誤調誰談請"
    "諸課"
)
TO_TRADITIONAL = str.maketrans(dict(zip(SIMPLIFIED, TRADITIONAL, strict=True)))
TO_HALF_WIDTH = str.maketrans("，。；：？！（）　", ",.;:?!() ")
"""The same text in other characters: script (a table of frequent ones) and width of punctuation."""


@dataclass(frozen=True)
class MirrorCopy:
    """A page of the mirror, the text it was made from, how, and the bounds of their likeness.

    Likeness is the Jaccard index of the sets of 5-grams of characters without white space.
    """

    article: Article
    original: tuple[str, ...]
    kind: str
    least: float
    most: float


def part(epoch: int) -> Part:
    made = Part(epoch)
    for copy in copies():
        made.article(copy.article, _page(copy))
    for name in originals():
        text = originals()[name]
        for number, paragraphs in enumerate(_pages_of(text[1], 3), start=1):
            article = Article(HOST, f"/pages/{name}-{number}.html", text[0], paragraphs, text[2])
            made.article(article, dress(article, library))
    paths = [path for host, path in made.pages if host == HOST]
    made.home(HOST, sorted(paths), *steady())
    return made


def copies() -> list[MirrorCopy]:
    """Every original in every kind of copy that is one in its language."""
    return [copy for name in ("law", "novel", "english") for copy in _copies(name)]


def _copies(name: str) -> list[MirrorCopy]:
    title, text, lang = originals()[name]
    rng = random.Random(f"mirror:{name}")
    other = originals()["poem"][1]
    dropped = sorted(rng.sample(range(len(text)), max(1, len(text) // 5)))
    kinds: list[tuple[str, tuple[str, ...], float, float]] = [
        ("exact", text, 1, 1),
        ("boilerplate", text, 1, 1),
        ("print", text, 1, 1),
        *((f"edit-{share:02}", edited(text, share / 100, name), *bounds) for share, bounds in EDITED.items()),
        ("drop-20", tuple(line for n, line in enumerate(text) if n not in dropped), 0.4, 0.99),
        ("shuffled", tuple(rng.sample(text, len(text))), 0.6, 1),
        ("half", _half(text), 0.3, 0.7),
        ("joined", (*text, *other), 0.3, 0.99),
    ]
    if lang == "zh-CN":
        kinds.append(("script", tuple(line.translate(TO_TRADITIONAL) for line in text), 0.05, 0.9))
        kinds.append(("width", tuple(line.translate(TO_HALF_WIDTH) for line in text), 0.1, 0.9))
    return [
        MirrorCopy(Article(HOST, f"/{kind}/{name}.html", title, paragraphs, lang), text, kind, least, most)
        for kind, paragraphs, least, most in kinds
    ]


EDITED = {1: (0.85, 0.99), 5: (0.45, 0.95), 15: (0.2, 0.8), 40: (0.0, 0.4)}
"""Percent of units replaced to the bounds of likeness. One replaced ideograph breaks five 5-grams."""


def _half(text: tuple[str, ...]) -> tuple[str, ...]:
    """The paragraphs up to half of the characters."""
    kept: list[str] = []
    for line in text:
        if kept and sum(map(len, kept)) + len(line) / 2 > sum(map(len, text)) / 2:
            break
        kept.append(line)
    return tuple(kept)


def _pages_of(text: tuple[str, ...], n: int) -> list[tuple[str, ...]]:
    size = -(-len(text) // n)
    return [text[begin : begin + size] for begin in range(0, len(text), size)]


def _page(copy: MirrorCopy) -> Page:
    """Exact copies in the original's template, a print view without any, all others in the reprinter's."""
    if copy.kind == "exact":
        return dress(copy.article, library)
    if copy.kind == "print":
        lines = "".join(f"<p>{html.escape(line)}</p>\n" for line in copy.article.paragraphs)
        title = html.escape(copy.article.title)
        body = f'<html lang="{copy.article.lang}"><head><title>{title}</title></head><body>\n{lines}</body></html>'
        return Page(body.encode(), etag=etag_of(body.encode()))
    return dress(replace(copy.article, n_notices=1), portal)
