"""Real documents of Debian with a text layer: some pages of each, judged by the text that is published with them.

Whole truth is not known for them. Of the published text, the passage is taken in which the text layer of the pages
begins and ends. Bags of characters and of words say whether all is there and blanks are right; 12-grams of characters,
blanks left out, whether lines, columns and hyphens were joined as published. Running heads are not in it, and its
tables and links may be written in another way, so that nothing reaches 1.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.document_truth.outputs import comparable, taken_apart
from benchmarks.document_truth.systems import Found, Sent
from benchmarks.report import Table
from neo_assets.seed import SEED_FOLDER

GRAM = 12
CHINESE = re.compile("[\u4e00-\u9fff]")
WORD = re.compile("[\u4e00-\u9fff]+|[^\\W_\u4e00-\u9fff]+")
PAGES = 6
DOWNLOAD_SECONDS = 90


class Guide(NamedTuple):
    """A document: the package, its PDF and its text below the package's root; `first` is the first page taken."""

    name: str
    package: str
    pdf: str
    text: str
    language: str
    first: int


GUIDES = (
    Guide(
        "debian-reference-zh", "debian-reference-zh-cn",
        "usr/share/debian-reference/debian-reference.zh-cn.pdf",
        "usr/share/debian-reference/debian-reference.zh-cn.txt.gz", "zh", 60,
    ),
    Guide(
        "debian-reference-en", "debian-reference-en",
        "usr/share/debian-reference/debian-reference.en.pdf",
        "usr/share/debian-reference/debian-reference.en.txt.gz", "en", 60,
    ),
    Guide(
        "developers-reference-en", "developers-reference",
        "usr/share/developers-reference/developers-reference.pdf",
        "usr/share/developers-reference/developers-reference.txt", "en", 24,
    ),
)  # fmt: skip


class RealDocument(NamedTuple):
    """Pages of a real document, the characters of their text layer, and the whole published text."""

    sent: Sent
    layer: str
    published: str


def real_documents(folder: Path) -> list[RealDocument]:
    """The pages in the seed, and those of the packages that are installed or can be had; the others are left out."""
    found = []
    for language, name in (("en", "debmake.en"), ("zh", "debmake.zh-cn")):
        text = (SEED_FOLDER / "gold" / f"{name}.txt").read_text(encoding="utf-8")
        found.append(_document(SEED_FOLDER / "pdf" / f"{name}.p9-14.pdf", f"debmake-{language}", language, text))
    for guide in GUIDES:
        files = _files(guide)
        if files is None:
            continue
        excerpt = folder / f"{guide.name}.pdf"
        _excerpt(files[0], guide.first, excerpt)
        found.append(_document(excerpt, guide.name, guide.language, _read(files[1])))
    return found


def measured_real(real: Sequence[RealDocument], found: Sequence[Found]) -> list[Table]:
    """Each mode's agreement with the published text; no table without documents."""
    if not real:
        return []
    modes = list(dict.fromkeys(one.mode for one in found if any(one.id == document.sent.id for document in real)))
    passages = {document.sent.id: passage(document.layer, document.published) for document in real}
    rows, failures = [], []
    for mode in modes:
        texts = {one.id: one for one in found if one.mode == mode}
        cells = []
        for document in real:
            one = texts.get(document.sent.id)
            cells.append(
                _agreement(one.text, passages[one.id], document.published) if one and not one.error else "failed"
            )
            failures += [f"- {mode} failed on {one.id}: {one.error}"] if one and one.error else []
        timed = [document.sent for document in real if (one := texts.get(document.sent.id)) and not one.error]
        pages = sum(sent.n_pages for sent in timed) or 1
        rows.append((mode, *cells, f"{sum(texts[sent.id].seconds for sent in timed) / pages:.2f}"))
    names = [f"{document.sent.id} ({document.sent.n_pages} pages)" for document in real]
    missing = [guide.name for guide in GUIDES if not any(document.sent.id == guide.name for document in real)]
    notes = "F1 of characters / F1 of words / share of 12-grams known, against the text published with the document."
    notes += " Words: between blanks and punctuation; of Chinese, pairs of neighbouring characters."
    notes += f" Left out, as they could not be had: {', '.join(missing)}." if missing else ""
    n_pages = sum(document.sent.n_pages for document in real)
    title = f"Real documents of Debian, {n_pages} pages"
    return [Table(title, ("system", *names, "CPU s/page"), rows, "\n".join([notes, *failures]))]


def _agreement(text: str, wanted: str, published: str) -> str:
    plain = _plain(text)
    measures = (f1(_bare(plain), _bare(wanted)), f1(_words(plain), _words(wanted)), known_share(text, published))
    return " / ".join(f"{one:.3f}" for one in measures)


def f1(found: Iterable[str], wanted: Iterable[str]) -> float:
    """The harmonic mean of precision and recall of two multisets.

    >>> f1("aab", "abc")
    0.6666666666666666
    """
    one, other = Counter(found), Counter(wanted)
    common = (one & other).total()
    return 2 * common / (one.total() + other.total()) if common else 0.0


def passage(layer: str, published: str) -> str:
    """The part of a published text that begins and ends with 12-grams which the layer has as well, and only there.

    Those that stand far from the others, such as a heading's in the table of contents, do not count.
    """
    kept = [place for place, sign in enumerate(published) if re.fullmatch(r"[^\W_]", sign)]
    bare = "".join(published[place] for place in kept).lower()
    places: dict[str, list[int]] = {}
    for place, gram in enumerate(_grams_of(bare)):
        places.setdefault(gram, []).append(place)
    alone = sorted(places[gram][0] for gram in set(_grams_of(_bare(layer))) if len(places.get(gram, ())) == 1)
    if not alone:
        return ""
    middle, reach = alone[len(alone) // 2], len(_bare(layer))
    near = [place for place in alone if abs(place - middle) <= reach]
    return published[kept[near[0]] : kept[near[-1] + GRAM - 1] + 1]


def known_share(text: str, published: str) -> float:
    """The share of 12-grams of the text's paragraphs that are in the published text."""
    known = set(_grams_of(_bare(published)))
    grams = [gram for block in taken_apart(text).blocks for gram in _grams_of(_bare(block))]
    return sum(gram in known for gram in grams) / len(grams) if grams else 0.0


def _plain(markdown: str) -> str:
    output = taken_apart(markdown)
    return " ".join([*output.blocks, *(re.sub(r"<[^>]+>", " ", table) for table in output.tables), *output.formulas])


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", comparable(text)).lower()


def _words(text: str) -> list[str]:
    return [word for run in WORD.findall(text.lower()) for word in (_pairs(run) if CHINESE.match(run) else [run])]


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(max(1, len(run) - 1))]


def _grams_of(text: str) -> list[str]:
    return [text[place : place + GRAM] for place in range(len(text) - GRAM + 1)]


def _document(file: Path, name: str, language: str, published: str) -> RealDocument:
    import pypdfium2

    opened = pypdfium2.PdfDocument(file)
    try:
        layer = "\n".join(page.get_textpage().get_text_range() for page in opened)
        sent = Sent(name, "real", file, language, len(opened))
    finally:
        opened.close()
    return RealDocument(sent, layer.replace("\ufffe", "").replace("\x02", ""), published)


def _excerpt(file: Path, first: int, target: Path) -> None:
    import pypdfium2

    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    whole, part = pypdfium2.PdfDocument(io.BytesIO(data)), pypdfium2.PdfDocument.new()
    part.import_pages(whole, list(range(min(first, len(whole) - PAGES), min(first + PAGES, len(whole)))))
    part.save(str(target))
    part.close()
    whole.close()


def _read(file: Path) -> str:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8")


def _files(guide: Guide) -> tuple[Path, Path] | None:
    """PDF and text: of the installed package, or unpacked from a download into a cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neo-assets" / "debian" / guide.package
    for root in (Path("/"), cache):
        if found := _both(root, guide):
            return found
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return None
    cache.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["apt-get", "download", guide.package], cwd=cache, capture_output=True, check=True, timeout=DOWNLOAD_SECONDS
        )
        for package in cache.glob("*.deb"):
            subprocess.run(
                ["dpkg", "-x", str(package), str(cache)], capture_output=True, check=True, timeout=DOWNLOAD_SECONDS
            )
            package.unlink()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return _both(cache, guide)


def _both(root: Path, guide: Guide) -> tuple[Path, Path] | None:
    found = [
        next((path for path in (root / name, root / f"{name}.gz") if path.exists()), None)
        for name in (guide.pdf, guide.text)
    ]
    return (found[0], found[1]) if found[0] and found[1] else None
