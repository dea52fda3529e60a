"""The text hosts of the bundled web: which seed text is published where, in which encoding, and how it changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from neo_assets.web.bundled import seed
from neo_assets.web.bundled.edits import edited
from neo_assets.web.bundled.pages import Article, bucket, epoch_date, published_at, with_charset

LAWS, NOVELS, POEMS, REFERENCE = "laws.neo.test", "novels.neo.test", "poems.neo.test", "reference.neo.test"

LAW_PAGE_CHARS = 4_000
JARGON_PAGE_CHARS = 6_000
CONSTITUTION_PAGE_CHARS = 4_500
POEMS_PER_PAGE = 10
N_SANGUO_AT_FIRST = 38
"""Chapters of the first epoch; each later epoch publishes one more, up to 40."""
CHANGE_CYCLE = 20
EDIT_SHARE = 0.02
"""In each epoch one page in `CHANGE_CYCLE` has this share of its units edited, and another one only a new notice."""


def articles(epoch: int) -> list[Article]:
    """All articles of an epoch, pages that are gone left out, changes up to this epoch applied."""
    gone = gone_urls(epoch)
    published_now = (*_laws(), *_novels(epoch), *_poems(), *_reference())
    return [_changed(article, epoch) for article in published_now if article.url not in gone]


def gone_urls(epoch: int) -> set[str]:
    """Pages that answer 410: with each epoch, the last page of one more of the old editions of laws."""
    old = [law for law in seed.laws() if law.status == "历史版本"]
    return {f"http://{LAWS}/law/{law.id}/{len(_law_pages(law))}.html" for law in old[:epoch]}


def _changed(article: Article, epoch: int) -> Article:
    article = replace(article, modified=published_at(article.url))
    place = bucket(f"change:{article.url}", CHANGE_CYCLE)
    for passed in range(1, epoch + 1):
        if place == passed % CHANGE_CYCLE:
            paragraphs = edited(article.paragraphs, EDIT_SHARE, f"{article.url}:{passed}")
            article = replace(article, paragraphs=paragraphs, modified=epoch_date(passed))
        elif place == (passed + CHANGE_CYCLE // 2) % CHANGE_CYCLE:
            article = replace(article, n_notices=article.n_notices + 1, modified=epoch_date(passed))
    return article


def _laws() -> Iterator[Article]:
    for law in seed.laws():
        pages = _law_pages(law)
        for number, lines in enumerate(pages, start=1):
            title = f"{law.title}（{law.status}）" + (f" 第{number}页" if len(pages) > 1 else "")
            yield Article(LAWS, f"/law/{law.id}/{number}.html", title, lines, "zh-CN")


def _law_pages(law: seed.Law) -> list[tuple[str, ...]]:
    return _pages_of(law.lines, LAW_PAGE_CHARS)


def _novels(epoch: int) -> Iterator[Article]:
    for number, chapter in enumerate(seed.sanguo()[: N_SANGUO_AT_FIRST + epoch], start=1):
        article = Article(NOVELS, f"/sanguo/{number:03}.html", chapter.title, chapter.paragraphs, "zh-CN")
        if number == 7:
            article = replace(with_charset(article, "gb18030", "gb18030", None), media_type="text/plain")
        elif number == 8:
            article = with_charset(article, "utf-16", None, None)
        yield article
    for number, chapter in enumerate(seed.nahan(), start=1):
        article = Article(NOVELS, f"/nahan/{number:02}.html", chapter.title, chapter.paragraphs, "zh-CN")
        yield with_charset(article, "gbk", *GBK_DECLARATIONS[number % len(GBK_DECLARATIONS)])
    for number, chapter in enumerate(seed.pride_and_prejudice(), start=1):
        title = f"Pride and Prejudice, {chapter.title}"
        yield Article(NOVELS, f"/pride/{number:02}.html", title, chapter.paragraphs, "en")


GBK_DECLARATIONS: tuple[tuple[str | None, str | None], ...] = (
    ("gbk", "gbk"),
    ("gbk", "utf-8"),
    (None, "gb2312"),
    (None, None),
    ("utf-8", "gbk"),
)
"""What the header and the meta tag of the GBK pages say: agreement, contradiction, only one, none."""


def _poems() -> Iterator[Article]:
    for edition, name in (("qts", "全唐詩"), ("yuding", "御定全唐詩")):
        poems = [poem for poem in seed.poems() if poem.edition == edition]
        for number, begin in enumerate(range(0, len(poems), POEMS_PER_PAGE), start=1):
            blocks = tuple(
                "\n".join((f"{p.title}　{p.author}", *p.lines)) for p in poems[begin : begin + POEMS_PER_PAGE]
            )
            article = Article(POEMS, f"/{edition}/{number:03}.html", f"{name} 卷{number}", blocks, "zh-Hant")
            yield (
                with_charset(article, "big5hkscs", *_big5_declaration(number)) if _as_big5(number, blocks) else article
            )


def _as_big5(number: int, blocks: Sequence[str]) -> bool:
    if number % 5:
        return False
    try:
        "".join(blocks).encode("big5hkscs")
    except UnicodeEncodeError:
        return False
    return True


def _big5_declaration(number: int) -> tuple[str | None, str | None]:
    return ("big5", None) if number % 10 else (None, "big5")


def _reference() -> Iterator[Article]:
    for number, paragraphs in enumerate(_pages_of(seed.jargon(), JARGON_PAGE_CHARS), start=1):
        yield Article(REFERENCE, f"/jargon/{number:02}.html", f"The Jargon File, page {number}", paragraphs, "en")
    for number, paragraphs in enumerate(_pages_of(seed.constitution(), CONSTITUTION_PAGE_CHARS), start=1):
        title = f"Constitution of the United States, page {number}"
        yield Article(REFERENCE, f"/constitution/{number}.html", title, paragraphs, "en")


def _pages_of(lines: Sequence[str], n_chars: int) -> list[tuple[str, ...]]:
    """Consecutive lines as pages of at least `n_chars` characters (the last one may be shorter)."""
    pages: list[tuple[str, ...]] = []
    page: list[str] = []
    for line in lines:
        if sum(map(len, page)) >= n_chars and not re.match(r"（", line):
            pages.append(tuple(page))
            page = []
        page.append(line)
    return [*pages, tuple(page)]
