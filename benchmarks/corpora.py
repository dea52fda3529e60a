"""English and Chinese corpora of any size, made from the seed's texts: passages tiled, with changes in every copy.

    python -m benchmarks.corpora english 200

A document is a run of consecutive paragraphs from a random place of the seed, between half and one and a half times
the mean length. In every document names are exchanged, numbers are drawn anew and the sentences of some paragraphs
stand in another order, so that no two documents are equal and no cache helps. The same size and seed give the same
bytes. Files lie in a cache folder outside the repository (`NEO_BENCH_CACHE`, else the system's temporary folder), one
JSON object `{"id": …, "text": …}` a line; they are written as a stream and kept for the next run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import neo_assets

SEED_FOLDER = Path(neo_assets.__file__).parent / "seed"
MEGABYTE = 1_000_000
_NUMBER = re.compile(r"\d+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LETTER = re.compile(r"[A-Za-z]")


class Material(NamedTuple):
    """What a language's corpus is made of."""

    files: tuple[str, ...]
    mean_chars: int
    sentence: re.Pattern[str]
    joint: str
    names: tuple[str, ...]


MATERIALS = {
    "english": Material(
        ("text/prideprejudice.en.txt", "text/us-constitution.en.txt", "text/jargon.en.txt", "gold/debmake.en.txt"),
        3_750,
        re.compile(r"(?<=[.!?]) +"),
        " ",
        (
            "Elizabeth", "Darcy", "Jane", "Bingley", "Wickham", "Collins", "Charlotte", "Lydia", "Georgiana",
            "Gardiner", "Phillips", "Caroline", "Catherine", "Fitzwilliam", "Netherfield", "Longbourn", "Meryton",
            "London", "Derbyshire",
        ),
    ),
    "chinese": Material(
        ("text/laws.zh.jsonl", "text/nahan.zh.txt", "gold/debmake.zh-cn.txt"),
        1_780,
        re.compile(r"(?<=[。！？；])"),
        "",
        (
            "人民法院", "人民政府", "农民", "公民", "法人", "当事人", "国务院", "劳动者", "用人单位", "合同",
            "阿Ｑ", "闰土", "孔乙己", "未庄", "赵太爷", "软件包", "源代码", "命令", "文件", "脚本",
        ),
    ),
}  # fmt: skip


def corpus(language: str, megabytes: int, seed: int = 1) -> Path:
    """The file of a corpus of at least this many megabytes of UTF-8 text; written if it is not there yet."""
    material = MATERIALS[language]
    stamp = hashlib.sha256(Path(__file__).read_bytes())
    for name in material.files:
        stamp.update((SEED_FOLDER / name).read_bytes())
    file = cache_folder() / f"{language}-{megabytes}mb-{seed}-{stamp.hexdigest()[:12]}.jsonl"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        with unfinished.open("w", encoding="utf-8") as lines:
            for number, text in enumerate(documents(language, megabytes * MEGABYTE, seed)):
                lines.write(json.dumps({"id": f"{language}:{number:08}", "text": text}, ensure_ascii=False) + "\n")
        unfinished.replace(file)
    return file


def cache_folder() -> Path:
    """Where corpora are kept."""
    return Path(os.environ.get("NEO_BENCH_CACHE") or Path(tempfile.gettempdir()) / "neo-benchmarks")


def documents(language: str, n_bytes: int, seed: int = 1) -> Iterator[str]:
    """Documents until their UTF-8 text has this many bytes."""
    material = MATERIALS[language]
    texts = [paragraphs(SEED_FOLDER / name) for name in material.files]
    sizes = [sum(map(len, text)) for text in texts]
    names = re.compile("|".join(map(re.escape, material.names)))
    draw = random.Random(f"{language} {seed}")
    written = 0
    while written < n_bytes:
        text = _document(draw.choices(texts, sizes)[0], material, names, draw)
        written += len(text.encode("utf-8"))
        yield text


def paragraphs(file: Path) -> list[str]:
    """The running text of a seed file: its paragraphs in their order, without tables, listings and short lines."""
    whole = file.read_text(encoding="utf-8")
    if file.suffix == ".jsonl":
        whole = "\n".join(json.loads(line)["text"] for line in whole.splitlines())
    chinese = ".zh" in file.name
    found = re.split(r"\n" if chinese else r"\n\s*\n", whole)
    joined = (("" if chinese else " ").join(part.split()) for part in found)
    letter, fewest = (_HAN, 20) if chinese else (_LETTER, 80)
    return [part for part in joined if len(part) >= fewest and len(letter.findall(part)) > 0.6 * len(part)]


def _document(source: list[str], material: Material, names: re.Pattern[str], draw: random.Random) -> str:
    """One document from a random place of the source, with changes."""
    wanted = round(material.mean_chars * draw.uniform(0.5, 1.5))
    place = draw.randrange(len(source))
    renamed = dict(zip(material.names, draw.sample(material.names, len(material.names)), strict=True))
    lines: list[str] = []
    size = 0
    while size < wanted:
        part = source[place % len(source)]
        place += draw.choice((1, 1, 1, 2, 7))
        if draw.random() < 0.3:
            sentences = material.sentence.split(part)
            draw.shuffle(sentences)
            part = material.joint.join(sentences)
        part = names.sub(lambda match: renamed[match.group()], part)
        part = _NUMBER.sub(lambda match: str(draw.randrange(10 ** min(len(match.group()), 9))), part)
        lines.append(part[: max(wanted - size, 40)])
        size += len(lines[-1]) + 1
    return "\n".join(lines)


def main() -> None:
    """Writes a corpus and prints where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=sorted(MATERIALS))
    parser.add_argument("megabytes", type=int)
    chosen = parser.parse_args()
    print(corpus(chosen.language, chosen.megabytes))


if __name__ == "__main__":
    main()
