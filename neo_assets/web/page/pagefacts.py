"""What a page says about itself: title, date, author, canonical address and language.

Read from the elements that carry such facts (head, JSON-LD, `time`, headings, bylines), each found by one query, and
from the first lines of the text, so that the cost hardly grows with the page. What is missing or implausible is left
out, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neo_assets.web.page.dates import day_of
from neo_assets.web.page.elements import first, select
from neo_assets.web.page.linkeddata import Statement, statements, texts
from neo_assets.web.page.links import absolute, base_of
from neo_assets.web.page.robotsmeta import meta_of

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

PUBLISHED = (
    "article:published_time", "og:published_time", "datepublished", "dc.date.issued", "dcterms.issued", "dc.date",
    "dcterms.date", "dcterms.created", "citation_publication_date", "citation_date", "parsely-pub-date",
    "sailthru.date",
    "pubdate", "publishdate", "publish_date", "publish-date", "publication_date", "article.published", "date",
)  # fmt: skip
MODIFIED = ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified", "revised")
AUTHOR = ("author", "article:author", "dc.creator", "dcterms.creator", "citation_author", "parsely-author", "byl")
BYLINES = "[rel~='author'],[itemprop~='author'],.author,.byline,.post-author,.article-author"
DAY_ELEMENTS = (
    "time,[itemprop~='datePublished'],.date,.pubdate,.pub-date,.pub_date,.publish-time,.publish_time,.pubtime,"
    ".post-date,.entry-date,.time,.info,.source,.article-info,.meta"
)
ASIDE = frozenset(("li", "aside", "nav", "footer", "td"))
"""A date in such an element is mostly another page's, or the site's."""
LABELLED_DAY = re.compile(r"[发發更修公刊出成日时時](?:[布佈表新改登版文](?:时间|時間|日期|于|於)|[期间間]\s*[:：])")
"""One set of characters comes first, as that is searched for fast."""
LABELLED_DAY_EN = re.compile(r"\b(?:published|posted|updated|date)\b\s*(?:on\b|:)", re.IGNORECASE)
LABEL_HINTS = ("date", "Date", "DATE", "osted", "OSTED", "ublished", "UBLISHED")
"""Nearly any of these labels is in one of these letter cases; looking for them takes no time."""
LABELLED_AUTHOR = re.compile(
    r"(?:作者|撰稿人?|撰文)\s*[:：]\s*((?:(?!来源|來源|发布|發布|时间|時間|日期|编辑|編輯|责任|責任|字号|浏览|阅读|出处)"
    r"[^\s，。；;|<>【】\[\]()（）:：]){2,20})"
)
TITLE_JOINT = re.compile(r"\s*(?:[|_»·–—\uff5c]|\s-\s|-{2,}|::)\s*")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
LINK_HEADER = re.compile(r"<([^>]*)>([^,<]*)")
URL_DAY = re.compile(r"/((?:19|20)\d\d)[/-]?(\d\d)[/-]?(\d\d)(?=[/_.-]|$)")
TOP_CHARS = 4_000
LABEL_REACH = 40
MAX_TITLE_CHARS = 300
MAX_AUTHOR_CHARS = 60
MAX_ELEMENTS = 8
MAX_ANCESTORS = 12
Meta = Mapping[str, list[str]]


@dataclass(frozen=True)
class Facts:
    """What a page says about itself; `date` is an ISO day, `canonical` an absolute http(s) address."""

    title: str
    date: str | None
    author: str | None
    canonical: str | None
    declared_language: str | None


def page_facts(
    tree: HTMLTree,
    url: str,
    headers: Mapping[str, str],
    charset: str = "utf-8",
    meta: Meta | None = None,
    source: str | None = None,
) -> Facts:
    """The facts of a parsed page; `headers` have names in lower case, `meta` is `meta_of`'s if that is known.

    With `source`, what the tree was parsed from, no element is looked for whose name or class does not stand in it.
    """
    meta = meta_of(tree) if meta is None else meta
    stated, top = statements(tree) if _holds(source, "ld+json") else [], _top(tree)
    signed = _holds(source, "author") or _holds(source, "byline")
    return Facts(
        title=title_of(tree, meta),
        date=date_of(tree, url, meta, stated, top),
        author=author_of(tree, meta, stated, top, signed=signed),
        canonical=canonical_of(tree if _holds(source, "canonical") else None, url, headers, charset),
        declared_language=language_of(tree, meta, headers),
    )


def title_of(tree: HTMLTree, meta: Meta) -> str:
    """The title: og:title, else `title`, else the first h1.

    A site's name is cut off only where the page itself shows which part is the title: what begins the title equals its
    h1 up to a joint such as ` | ` or `_`, or what ends it is its og:site_name.
    """
    title = line(next(iter(meta.get("og:title", ())), "")) or line(tree.title or "")
    heading = next(_texts_of(tree, "h1", MAX_TITLE_CHARS), "").rstrip("¶# ")
    if not title:
        return heading[:MAX_TITLE_CHARS]
    if heading and title.startswith(heading) and TITLE_JOINT.match(title, len(heading)):
        return heading
    site = line(next(iter(meta.get("og:site_name", ())), ""))
    if site and title.endswith(site):
        rest = title.removesuffix(site)
        joints = list(TITLE_JOINT.finditer(rest))
        if joints and joints[-1].end() == len(rest) and joints[-1].start() > 0:
            return rest[: joints[-1].start()]
    return title[:MAX_TITLE_CHARS].rstrip()


def date_of(tree: HTMLTree, url: str, meta: Meta, stated: list[Statement], top: str) -> str | None:
    """The day of publication, or else of the last change: JSON-LD, meta elements, `time` and its like, a labelled day
    in the first lines, the address."""
    published = (
        *(text for one in stated for text in texts(one.get("datePublished"), "@value")),
        *_values(meta, PUBLISHED),
    )
    return (
        _first_day(published)
        or _element_day(tree)
        or _labelled_day(top)
        or _url_day(url)
        or _first_day(text for one in stated for text in texts(one.get("dateModified"), "@value"))
        or _first_day(_values(meta, MODIFIED))
    )


def author_of(tree: HTMLTree, meta: Meta, stated: list[Statement], top: str, *, signed: bool = True) -> str | None:
    """The author's name: JSON-LD, meta elements, a byline (if the page is `signed` by any), `作者：` in the first
    lines."""
    candidates: Iterator[str] = (name for one in stated for name in texts(one.get("author")))
    bylines = _texts_of(tree, BYLINES, 2 * MAX_AUTHOR_CHARS) if signed else ()
    for group in (candidates, _values(meta, AUTHOR), bylines):
        for text in group:
            name = sane_name(text)
            if name:
                return name
    match = LABELLED_AUTHOR.search(top)
    return sane_name(match[1]) if match else None


def sane_name(text: str) -> str | None:
    """A name without its label; None for what can be none (an address, a sentence, a number)."""
    name = re.sub(r"^(?:by|author|written by|作者|撰文|文)\s*[:：\s]\s*", "", line(text), flags=re.IGNORECASE).strip(
        " ,;|"
    )
    if not name or len(name) > MAX_AUTHOR_CHARS or len(name.split()) > 8 or re.search(r"https?:|www\.|@|[<>{}]", name):
        return None
    return name if any(map(str.isalpha, name)) else None


def canonical_of(tree: HTMLTree | None, url: str, headers: Mapping[str, str], charset: str = "utf-8") -> str | None:
    """The address that the page gives as its own, by a link element (if there is a tree) or else a Link header."""
    element = None if tree is None else first(tree, "link[rel~='canonical'][href]")
    if tree is not None and element is not None:
        return absolute(element.getattr("href") or "", base_of(tree, url), charset)
    for target, parameters in LINK_HEADER.findall(headers.get("link", "")):
        if re.search(r"\brel\s*=\s*\"?canonical\b", parameters, re.IGNORECASE):
            return absolute(target, url)
    return None


def language_of(tree: HTMLTree, meta: Meta, headers: Mapping[str, str]) -> str | None:
    """The language tag that the page declares (html lang, Content-Language), in its usual letter case."""
    root = first(tree, "html")
    own = [root.getattr("lang") or "", root.getattr("xml:lang") or ""] if root is not None else []
    for text in (*own, *meta.get("content-language", ()), headers.get("content-language", "")):
        tag = text.strip().replace("_", "-")
        if LANGUAGE.fullmatch(tag) and len(tag) <= 35:
            return _cased(tag)
    return None


def line(text: str) -> str:
    """A text as one line that any encoding can hold: blanks collapsed, NUL and lone surrogates replaced."""
    return " ".join(text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8").split())


def _cased(tag: str) -> str:
    language, *rest = tag.split("-")
    cases = {2: str.upper, 4: str.title}
    return "-".join((language.lower(), *(cases.get(len(part), str.lower)(part) for part in rest)))


def _top(tree: HTMLTree) -> str:
    """The first characters of the page's text."""
    return str(tree.body.text or "")[:TOP_CHARS] if tree.body is not None else ""


def _holds(source: str | None, word: str) -> bool:
    """Whether a word stands in the source in any of its usual letter cases; True for an unknown source."""
    return source is None or word in source or word.title() in source or word.upper() in source


def _values(meta: Meta, names: Iterable[str]) -> Iterator[str]:
    return (value for name in names for value in meta.get(name, ()))


def _texts_of(tree: HTMLTree, query: str, max_chars: int) -> Iterator[str]:
    """The texts of the first elements that match, long ones left out."""
    for element in select(tree, query)[:MAX_ELEMENTS]:
        text = line(element.getattr("content") or element.text)
        if 0 < len(text) <= max_chars:
            yield text


def _first_day(values: Iterable[str]) -> str | None:
    return next((day for day in map(day_of, values) if day), None)


def _element_day(tree: HTMLTree) -> str | None:
    for element in select(tree, DAY_ELEMENTS)[:MAX_ELEMENTS]:
        stated = element.getattr("datetime") or element.getattr("content")
        text = stated or element.text
        if len(text) <= 200 and not _is_aside(element):
            day = day_of(text)
            if day:
                return day
    return None


def _is_aside(element: Any) -> bool:
    for _ in range(MAX_ANCESTORS):
        element = element.parent
        if element is None:
            return False
        if element.tag in ASIDE:
            return True
    return False


def _labelled_day(top: str) -> str | None:
    ends = [match.end() for match in LABELLED_DAY.finditer(top)]
    if any(map(top.__contains__, LABEL_HINTS)):
        ends = sorted([*ends, *(match.end() for match in LABELLED_DAY_EN.finditer(top))])
    return _first_day(top[end : end + LABEL_REACH] for end in ends)


def _url_day(url: str) -> str | None:
    match = URL_DAY.search(url)
    return day_of("-".join(match.groups())) if match else None
