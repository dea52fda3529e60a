"""The seed: real texts, pages and lists with a free licence that ship with the package (see seed/README.md)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache

from neo_assets.seed import SEED_FOLDER

NAHAN_BOILERPLATE = re.compile(r"_分节阅读_\d+")
"""Page marks of the site from which the novel was once copied; they are no part of it."""


@dataclass(frozen=True)
class SeedFile:
    """One line of the seed's manifest: where a file comes from and under which licence it may be passed on."""

    path: str
    bytes: int
    sha256: str
    source: str
    licence: str
    lang: str
    kind: str


@dataclass(frozen=True)
class Law:
    """A Chinese statute in one of its editions; `lines` are its articles and their items."""

    id: str
    title: str
    status: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Poem:
    """A Tang poem in one of two editions (`qts`: Complete Tang Poems, `yuding`: the imperial edition)."""

    title: str
    author: str
    lines: tuple[str, ...]
    edition: str


@dataclass(frozen=True)
class Chapter:
    """A chapter or story: its heading and its paragraphs, without line wrapping."""

    title: str
    paragraphs: tuple[str, ...]


def manifest() -> list[SeedFile]:
    """All files of the seed, in the manifest's order."""
    lines = (SEED_FOLDER / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    return [SeedFile(**json.loads(line)) for line in lines]


def read_bytes(path: str) -> bytes:
    """The bytes of a seed file, named as in the manifest."""
    return (SEED_FOLDER / path).read_bytes()


def read_text(path: str) -> str:
    """The text of a UTF-8 seed file, named as in the manifest."""
    return read_bytes(path).decode("utf-8")


def broken_files() -> list[str]:
    """The seed files that are missing or whose SHA-256 is not the manifest's."""
    broken = []
    for file in manifest():
        path = SEED_FOLDER / file.path
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
            broken.append(file.path)
    return broken


@lru_cache(maxsize=1)
def laws() -> tuple[Law, ...]:
    """42 statutes; of 11 of them both the old and the present edition."""
    rows = map(json.loads, read_text("text/laws.zh.jsonl").splitlines())
    return tuple(Law(row["id"], row["title"], row["status"], tuple(row["text"].split("\n"))) for row in rows)


@lru_cache(maxsize=1)
def poems() -> tuple[Poem, ...]:
    """2,000 poems in traditional script, from two editions that share many of them."""
    rows = map(json.loads, read_text("text/poems.zh-Hant.jsonl").splitlines())
    return tuple(Poem(row["title"], row["author"], tuple(row["text"].split("\n")), row["ed"]) for row in rows)


@lru_cache(maxsize=1)
def sanguo() -> tuple[Chapter, ...]:
    """The first 40 chapters of the Romance of the Three Kingdoms."""
    parts = re.split(r"(?m)^(第\S{1,5}回.*)$", read_text("text/sanguo.zh.txt"))
    return tuple(Chapter(title.strip(), _lines(text)) for title, text in zip(parts[1::2], parts[2::2], strict=True))


@lru_cache(maxsize=1)
def nahan() -> tuple[Chapter, ...]:
    """Lu Xun's Call to Arms: the preface and fourteen stories."""
    text = NAHAN_BOILERPLATE.sub("", read_text("text/nahan.zh.txt").partition("<!--")[0])
    parts = re.split(r"\n *([^\n]{1,20}?) *\n *-{6,}\n", text)
    titles = (re.sub(r"[(⑴].*", "", title).strip() for title in parts[1::2])
    return tuple(Chapter(title, _lines(body)) for title, body in zip(titles, parts[2::2], strict=True))


@lru_cache(maxsize=1)
def pride_and_prejudice() -> tuple[Chapter, ...]:
    """The 61 chapters of Pride and Prejudice."""
    parts = re.split(r"(?m)^(Chapter \d+)$", read_text("text/prideprejudice.en.txt"))
    return tuple(Chapter(title, _blocks(text)) for title, text in zip(parts[1::2], parts[2::2], strict=True))


@lru_cache(maxsize=1)
def jargon() -> tuple[str, ...]:
    """The paragraphs of the first part of the Jargon File."""
    return _blocks(read_text("text/jargon.en.txt"))


@lru_cache(maxsize=1)
def constitution() -> tuple[str, ...]:
    """The paragraphs of the constitution of the United States."""
    return _blocks(read_text("text/us-constitution.en.txt"))


def _lines(text: str) -> tuple[str, ...]:
    """Non-empty lines, stripped (the Chinese texts have one paragraph a line)."""
    stripped = (line.strip() for line in text.split("\n"))
    return tuple(line for line in stripped if line)


def _blocks(text: str) -> tuple[str, ...]:
    """Paragraphs between blank lines, with their line wrapping undone."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", text))
    return tuple(block for block in blocks if block)
