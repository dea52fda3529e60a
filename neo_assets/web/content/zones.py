"""What an element's tag and attributes say about its place in the page: content, hidden, navigation, comments."""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN, BOILERPLATE, SUSPECT, COMMENTS, MAIN, ARTICLE, MATH = (1 << n for n in range(7))
"""Flags of an element. `BOILERPLATE`: navigation by its tag or role, or a notice by its name; `SUSPECT`: so named, but
layouts give such names also to what holds the text."""

ATTRIBUTE = re.compile(r'([a-z-]+)(?:="([^"]*)")?')
WORDS = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+(?![a-z])")
INVISIBLE = re.compile(r"display:\s*none|visibility:\s*hidden", re.I)

# fmt: off
BOILERPLATE_TAGS = frozenset({"nav", "aside", "dialog", "menu"})
BOILERPLATE_ROLES = frozenset({
    "navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog", "menu", "menubar",
    "toolbar", "tablist",
})
SUSPECTS = frozenset({
    "nav", "navi", "navbar", "navigation", "menu", "menubar", "submenu", "dropdown", "sidebar", "sidenav", "topnav",
    "topbar", "toolbar", "bottombar", "crumb", "header", "masthead", "banner", "social", "sns", "related",
    "recommend", "recommended", "recommendations", "popular", "trending", "hot", "widget", "advert", "adverts",
    "advertisement", "ad", "ads", "adsense", "adsbygoogle", "sponsor", "sponsored", "promo", "promotion",
    "subscription", "signup", "login", "popup", "modal", "overlay", "skip", "tags", "tagcloud", "toolbox",
    "editsection", "navbox", "navigator", "rating", "langs", "toplang", "bottomlang", "noprint", "byline",
})
SUSPECT_ENDS = ("sidebar", "navbar", "footer", "popup")
COMMENT_WORDS = frozenset({"comment", "comments", "commentlist", "disqus", "respond", "replies", "guestbook"})
NOTICES = frozenset({
    "footer", "navfooter", "printfooter", "navheader", "breadcrumb", "breadcrumbs", "crumbs", "pagination", "pager",
    "paging", "share", "sharing", "sharebar", "bdsharebuttonbox", "cookie", "cookies", "consent", "gdpr", "newsletter",
    "subscribe", "copyright", "friendlink", "friendlinks", "catlinks", "sphinxsidebar",
})
CONTENT_WORDS = frozenset({
    "article", "post", "entry", "content", "body", "main", "text", "story", "note", "admonition", "topic", "footnote",
    "footnotes", "warning", "tip", "layout", "has", "with", "no", "page", "wrapper", "container",
})
"""Beside one of these words a suspect one says nothing: `entry-header`, `has-sidebar`, `post-body`."""
HIDDEN_CLASSES = frozenset({
    "sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "linenos", "lineno", "linenodiv",
    "line-number", "line-numbers-rows", "hljs-ln-numbers", "gutter", "blob-num", "mathjax",
    "mathjax_display", "mathjax_preview", "mathjax_svg", "mathjax_chtml", "mjx-chtml", "katex-html", "mw-editsection",
})
# fmt: on
TAGS_NAMED_BY_CONTENT = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "p", "dt", "dd", "section", "span", "li", "tr"})
"""Tags whose id is made of their heading or name by most generators: `<section id="sharing-data">`."""
MAX_ATTRIBUTES = 2000
"""Longer attribute strings hold data; only their beginning is read."""


@lru_cache(maxsize=8192)
def flags(tag: str, attributes: str) -> int:
    """The element's flags; pure, so that the attributes a site repeats are read once."""
    found = dict(ATTRIBUTE.findall(attributes[:MAX_ATTRIBUTES]))
    classes = found.get("class", "").split()
    lowered = {name.lower() for name in classes}
    if "hidden" in found or INVISIBLE.search(found.get("style", "")) or lowered & HIDDEN_CLASSES:
        return HIDDEN
    if tag == "sup" and "reference" in lowered:
        return HIDDEN
    flag = _semantic(tag, found)
    if "math" in lowered or "tex" in lowered or "latex" in lowered or any("math-fallback" in name for name in lowered):
        flag |= MATH
    if not flag & (MAIN | ARTICLE | MATH) and tag != "body":
        named_by_content = tag in TAGS_NAMED_BY_CONTENT or "section" in lowered
        for name in classes if named_by_content else (*classes, found.get("id", "")):
            flag |= named(name)
    return flag


def _semantic(tag: str, found: dict[str, str]) -> int:
    role = found.get("role", "")
    if tag == "main" or role == "main":
        return MAIN
    if tag == "article" or role == "article" or found.get("itemprop") == "articleBody":
        return ARTICLE
    if role in BOILERPLATE_ROLES or (tag in BOILERPLATE_TAGS and not _is_note(tag, found)):
        return BOILERPLATE
    return SUSPECT if tag == "header" or found.get("aria-hidden") == "true" else 0


def edge(tag: str, flag: int, parent: str, *, in_main: bool) -> int:
    """The flags of a header or footer, `flag` being those by its attributes; that of an article is part of it.

    A footer of the page as a whole is no content, as the role that the HTML standard gives it says ("contentinfo").
    """
    if tag == "header":
        return 0 if in_main else flag
    return flag if in_main or parent == "blockquote" else flag | BOILERPLATE


def _is_note(tag: str, found: dict[str, str]) -> bool:
    """Whether an aside is part of the text, as manuals use it for notes, topics and footnotes."""
    words = WORDS.findall(found.get("class", ""))
    return tag == "aside" and bool(
        {word.lower() for word in words} & {"note", "admonition", "topic", "footnote", "tip"}
    )


@lru_cache(maxsize=8192)
def named(name: str) -> int:
    """What one class or id says: the words in it are divided by case, digits and signs."""
    words = {word.lower() for word in WORDS.findall(name)}
    if not words or (words & CONTENT_WORDS and not words & COMMENT_WORDS):
        return 0
    if words & COMMENT_WORDS:
        return 0 if words & {"no", "has"} else COMMENTS
    if words & NOTICES:
        return BOILERPLATE
    if words & SUSPECTS or any(word.endswith(SUSPECT_ENDS) for word in words):
        return SUSPECT
    return 0
