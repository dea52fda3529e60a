"""Texts in several templates and languages, manuals as they are shipped, junk, and files that are no text."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from neo_assets.web.bundled import docs, junk, seed
from neo_assets.web.bundled.pages import Article, Page, Template, anthology, dress, etag_of, library, official, portal
from neo_assets_tests.web.lab.parts import Part, fetched, steady, text_page

TEXTS, LANGUAGES, DOCS, JUNK, FILES = (f"{name}.lab.test" for name in ("texts", "languages", "docs", "junk", "files"))
TEMPLATES: dict[str, Template] = {"official": official, "library": library, "portal": portal}
JUNK_FOLDERS = ("/keywords", "/adverts", "/repeated", "/mojibake", "/lorem", "/short", "/contacts", "/menu")
SHIPPED = ("debmake.neo.test/ch01.zh-cn.html", "debmake.neo.test/ch01.en.html", "httpd.neo.test/bind.fr.html",
           "httpd.neo.test/bind.ko.html", "help.neo.test/zh-CN/text/swriter/guide/auto_off.html")  # fmt: skip
RIGHTS = {
    "ko": (
        "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양"
        "심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
        "모든 사람은 생명과 신체의 자유와 안전에 대한 권리를 가진다. 어느 누구도 노예상태 또는 예속상태에"
        " 놓여지지 아니한다.",
    ),
    "ja": (
        "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と"
        "良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
        "すべて人は、生命、自由及び身体の安全に対する権利を有する。何人も、奴隷にされ、又は苦役に服することはない。",
    ),
    "fr": (
        "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de "
        "raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
        "Tout individu a droit à la vie, à la liberté et à la sûreté de sa personne. Nul ne sera tenu en esclavage.",
    ),
    "de": (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und "
        "Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
        "Jeder hat das Recht auf Leben, Freiheit und Sicherheit der Person. Niemand darf in Sklaverei gehalten werden.",
    ),
    "ru": (
        "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и сов"
        "естью и должны поступать в отношении друг друга в духе братства.",
        "Каждый человек имеет право на жизнь, на свободу и на личную неприкосновенность.",
    ),
}
"""Articles 1, 3 and 4 of the Universal Declaration of Human Rights."""


@lru_cache(maxsize=1)
def originals() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Name to title, paragraphs and language of four texts."""
    law, novel, poems = seed.laws()[0], seed.sanguo()[0], seed.poems()[:6]
    verses = tuple("\n".join((poem.title, *poem.lines)) for poem in poems)
    return {
        "law": (law.title, law.lines[:25], "zh-CN"),
        "novel": (novel.title, novel.paragraphs[:6], "zh-CN"),
        "poem": ("全唐詩", verses, "zh-Hant"),
        "english": ("Constitution", seed.constitution()[2:12], "en"),
    }


def part(epoch: int) -> Part:
    made = Part(epoch)
    _texts(made)
    _languages(made)
    _docs(made)
    _junk(made)
    _files(made)
    return made


def _texts(made: Part) -> None:
    links = []
    for name, (title, paragraphs, lang) in originals().items():
        templates = {"anthology": anthology} if name == "poem" else TEMPLATES
        for dressed, template in templates.items():
            article = Article(TEXTS, f"/{dressed}/{name}.html", title, paragraphs, lang)
            made.article(article, dress(article, template))
            links.append(article.path)
    made.expect(f"http://{TEXTS}/?print=1", *steady())  # the anthology's menu names it
    made.forbidden |= {f"http://{TEXTS}/search", f"http://{TEXTS}/login"}  # rel=nofollow in the other menus
    made.home(TEXTS, links, *steady())


def _languages(made: Part) -> None:
    for lang, paragraphs in RIGHTS.items():
        article = Article(LANGUAGES, f"/{lang}.html", f"Human rights ({lang})", paragraphs, lang)
        made.article(article, dress(article, library))
    made.home(LANGUAGES, [f"/{lang}.html" for lang in RIGHTS], *steady())


def _docs(made: Part) -> None:
    """Pages as they are shipped, byte by byte; a header asks not to follow their links, most of which lead nowhere."""
    pages = docs.pages()
    for name in SHIPPED:
        host, _, path = name.partition("/")
        page = pages[host, f"/{path}"]
        shipped = replace(page, modified=None, headers=(("X-Robots-Tag", "nofollow"),))
        made.put(f"http://{DOCS}/{path}", shipped)
    made.home(DOCS, [f"/{name.partition('/')[2]}" for name in SHIPPED], *steady())


def _junk(made: Part) -> None:
    pages = {path: page for path, page in junk.pages().items() if path.startswith(JUNK_FOLDERS)}
    for path, page in pages.items():
        made.put(f"http://{JUNK}{path}", page)
    made.home(JUNK, sorted(pages), *steady())


def _files(made: Part) -> None:
    """Some are recognized by their name and not asked for; others are seen to be no text by their Content-Type."""
    pdf = seed.read_bytes("pdf/debmake.en.p9-14.pdf")
    file = fetched()
    for path, body, media_type in (
        ("/manual.pdf", pdf, "application/pdf"),
        ("/data.json", b'{"a": 1}', "application/json"),
        ("/blob", bytes(range(256)), "application/octet-stream"),
        ("/style", b"p { margin: 0 }", "text/css"),
    ):
        made.put(f"http://{FILES}{path}", Page(body, media_type, etag=etag_of(body)), file, *steady()[1:])
    made.put(f"http://{FILES}/page.PHP", text_page("A page", "With an ending that says nothing of what it is."))
    skipped = ("/a.zip", "/b.PNG", "/c.css", "/d.mp4", "/e.tar")
    for path in skipped:
        made.hide(f"http://{FILES}{path}", Page(b"binary", "application/octet-stream"))
        made.left_out[f"http://{FILES}{path}"] = "extension"
    made.home(FILES, ["/manual.pdf", "/data.json", "/blob", "/style", "/page.PHP", *skipped], *steady())
