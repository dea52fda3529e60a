"""English and Chinese corpora with planted duplicates, of any number of documents, and the truth about them.

    python -m benchmarks.dedup_corpora english 10000 [--mean-chars 1000]

Tiled passages of the seed would resemble each other, so base documents are walks of a Markov chain over the seed's
text: of words after one word in English, of characters after two in Chinese. A sixth of the documents are copies of an
earlier base document: exact, with 5, 10 or 20 % of the characters exchanged for other text in passages of about sixty
characters, with a notice before and after it, or its first half with another second half. One copy in three is of the
one base document in a hundred that is popular, which gives clusters of many sizes. In a corpus with repeats (Chinese)
a sentence in ten of every document comes again later in it, every second time with one character in twenty exchanged.

Every document follows from the seed, its number and the mean length alone; documents are streamed to Parquet (id, text)
and `truth.parquet` lists the copies (id, base, kind). Both lie in the cache folder of `benchmarks.corpora`.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.corpora import MATERIALS, SEED_FOLDER, cache_folder, paragraphs
from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, mix64

COPIES = 1 / 6
KINDS = {
    "exact": 0.25, "edits 5 %": 0.25, "edits 10 %": 0.15, "edits 20 %": 0.1, "boilerplate": 0.15, "half": 0.1,
}  # fmt: skip
PASSAGE_CHARS = 60
SHINGLE_CHARS = 13
BATCH_DOCUMENTS = 5_000
NOTICES = {
    "english": ("Reprinted by permission. All rights reserved.\n", "\nShare this page. Terms of use and privacy."),
    "chinese": ("本文由网友上传，版权归原作者所有。\n", "\n分享到朋友圈。联系我们，使用条款。"),
}
_SYMBOLS = re.compile(r"[^\w\s]+")
_SENTENCE = re.compile(r"[^。！？]*[。！？]|[^。！？]+")
_BLANKS = re.compile(r"\s+")
Strings = list[str]


class Corpus(NamedTuple):
    """A corpus that is written."""

    folder: Path
    language: str
    documents: int
    mean_chars: int

    @property
    def parquet(self) -> Path:
        """The documents: id, text."""
        return self.folder / "documents.parquet"

    @property
    def jsonl(self) -> Path:
        """The documents, an object a line; written when first asked for."""
        return self._lines("documents", lambda text: text)

    @property
    def reduced(self) -> Path:
        """The documents in lower case without symbols, an object a line; written when first asked for."""
        return self._lines("reduced", lambda text: reduced(text, self.language))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The documents."""
        yield from pq.ParquetFile(self.parquet).iter_batches(BATCH_DOCUMENTS)

    def truth(self) -> list[dict[str, Any]]:
        """The copies, in order: id, base, kind."""
        return list(pq.read_table(self.folder / "truth.parquet").to_pylist())

    def characters(self, of_the_first: int | None = None) -> int:
        """Characters of all documents, or of the first ones."""
        if of_the_first is None or of_the_first >= self.documents:
            return int(pq.read_metadata(self.parquet).metadata[b"characters"])
        found = 0
        for batch in self.batches():
            found += pc.sum(pc.utf8_length(batch["text"].slice(0, of_the_first))).as_py() or 0
            of_the_first -= batch.num_rows
            if of_the_first <= 0:
                break
        return found

    def _lines(self, name: str, change: Callable[[str], str]) -> Path:
        file = self.folder / name / f"{name}.jsonl"
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            unfinished = self.folder / f"{name}.{os.getpid()}"
            with unfinished.open("w", encoding="utf-8") as lines:
                for row in (row for batch in self.batches() for row in batch.to_pylist()):
                    changed = {"id": row["id"], "text": change(row["text"])}
                    lines.write(json.dumps(changed, ensure_ascii=False) + "\n")
            unfinished.replace(file)
        return file


def corpus(language: str, documents: int, mean_chars: int, seed: int = 1, repeats: bool = False) -> Corpus:
    """The corpus, `repeats` with sentences that come again in their document; written if it is not there yet."""
    stamp = hashlib.sha256(Path(__file__).read_bytes())
    for name in MATERIALS[language].files:
        stamp.update((SEED_FOLDER / name).read_bytes())
    name = f"dedup-{language}-{documents}-{mean_chars}-{seed}{'-repeats' * repeats}-{stamp.hexdigest()[:12]}"
    found = Corpus(cache_folder() / name, language, documents, mean_chars)
    if not found.folder.exists():
        unfinished = found._replace(folder=found.folder.with_suffix(f".{os.getpid()}"))
        unfinished.folder.mkdir(parents=True, exist_ok=True)
        _write(unfinished, seed, repeats)
        try:
            unfinished.folder.rename(found.folder)
        except OSError:  # another process was quicker
            shutil.rmtree(unfinished.folder)
    return found


def document_name(language: str, number: int) -> str:
    """The id of a document; string order is the order of the numbers."""
    return f"{language}:{number:09}"


def _write(target: Corpus, seed: int, repeats: bool) -> None:
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    copies: list[dict[str, Any]] = []
    characters = 0
    with pq.ParquetWriter(target.parquet, schema, compression="zstd") as writer:
        for start in range(0, target.documents, BATCH_DOCUMENTS):
            numbers = range(start, min(start + BATCH_DOCUMENTS, target.documents))
            texts, planted = documents(target.language, numbers, target.mean_chars, seed)
            names = [document_name(target.language, number) for number in numbers]
            if repeats:
                texts = [_with_repeats(text, random.Random(name)) for name, text in zip(names, texts, strict=True)]
            writer.write_table(pa.table([names, texts], schema=schema))
            copies += planted
            characters += sum(map(len, texts))
        writer.add_key_value_metadata({"characters": str(characters)})
    columns = pa.schema([("id", pa.string()), ("base", pa.string()), ("kind", pa.string())])
    pq.write_table(pa.Table.from_pylist(copies, columns), target.folder / "truth.parquet")


def documents(language: str, numbers: range, mean_chars: int, seed: int = 1) -> tuple[Strings, list[dict[str, Any]]]:
    """The texts of these documents, and which of them are copies."""
    plans = [_plan(number, seed) for number in numbers]
    sources = [number if plan is None else plan[0] for number, plan in zip(numbers, plans, strict=True)]
    texts = _walks(language, sources, mean_chars, seed)
    copied = [number for number, plan in zip(numbers, plans, strict=True) if plan]
    fresh = dict(zip(copied, _walks(language, [number + 2**40 for number in copied], mean_chars, seed), strict=True))
    planted = []
    for place, (number, plan) in enumerate(zip(numbers, plans, strict=True)):
        if plan is not None:
            base, kind = plan
            texts[place] = _copied(texts[place], fresh[number], kind, language, random.Random(f"{seed} copy {number}"))
            names = document_name(language, number), document_name(language, base)
            planted.append({"id": names[0], "base": names[1], "kind": kind})
    return texts, planted


@functools.cache
def _plan(number: int, seed: int) -> tuple[int, str] | None:
    """What the document is a copy of, and how it differs; nothing for a base document."""
    draw = random.Random(f"{seed} plan {number}")
    if draw.random() >= COPIES or number < 2:
        return None
    step = 100 if draw.random() < 1 / 3 else 1
    base = draw.randrange(number) // step * step
    while _plan(base, seed) is not None:  # of a copy there are no copies
        base -= 1
    return base, draw.choices(list(KINDS), list(KINDS.values()))[0]


def _copied(text: str, fresh: str, kind: str, language: str, draw: random.Random) -> str:
    match kind:
        case "exact":
            return text
        case "boilerplate":
            before, after = NOTICES[language]
            return before + text + after
        case "half":
            return text[: len(text) // 2] + fresh[: len(text) // 2]
        case _:
            return _edited(text, fresh, int(kind.split()[1]) / 100, draw)


def _edited(text: str, fresh: str, share: float, draw: random.Random) -> str:
    """The text with passages exchanged, spread evenly, that make up this share of it."""
    passages = max(1, round(share * len(text) / PASSAGE_CHARS))
    ends = [len(text) * i // passages for i in range(passages + 1)]
    pieces = []
    for start, end in pairwise(ends):
        size = round(share * (end - start))
        place = draw.randrange(start, max(end - size, start) + 1)
        there = draw.randrange(max(len(fresh) - size, 0) + 1)
        pieces += [text[start:place], fresh[there : there + size], text[place + size : end]]
    return "".join(pieces)


def _with_repeats(text: str, draw: random.Random) -> str:
    """The text with a tenth of its sentences once more."""
    found = _SENTENCE.findall(text)
    for _ in range(len(found) // 10):
        place = draw.randrange(len(found))
        again = list(found[place])
        for _ in range(draw.choice((0, len(again) // 20))):
            again[draw.randrange(max(len(again) - 1, 1))] = draw.choice(text).strip() or "一"
        found.insert(draw.randrange(place, len(found)) + 1, "".join(again))
    return "".join(found)


class _Chain(NamedTuple):
    """Tokens of the seed in order, and the places that continue a context."""

    points: npt.NDArray[np.uint32]
    bounds: npt.NDArray[np.int64]
    context: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    ends: npt.NDArray[np.bool_]


@functools.cache
def _chain(language: str) -> _Chain:
    parts = [part for name in MATERIALS[language].files for part in paragraphs(SEED_FOLDER / name)]
    if language == "english":
        tokens = [word + " " for part in parts for word in part.split()]
        contexts: list[Any] = list(tokens)
        ends = [word[-2] in ".!?" for word in tokens]
    else:
        tokens = [character for part in parts for character in part if not character.isspace()]
        contexts = list(zip(["。", *tokens], tokens, strict=False))
        ends = [character in "。！？" for character in tokens]
    ids = {context: index for index, context in enumerate(dict.fromkeys(contexts[:-1]))}
    context = np.array([ids.get(found, 0) for found in contexts], np.int64)
    order = np.argsort(context[:-1], kind="stable")
    first = np.searchsorted(context[:-1][order], np.arange(len(ids) + 1))
    bounds = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum([len(one) for one in tokens], out=bounds[1:])
    points = np.frombuffer("".join(tokens).encode("utf-32-le"), np.uint32)
    return _Chain(points, bounds, context, order, first.astype(np.int64), np.array(ends))


def _walks(language: str, numbers: list[int], mean_chars: int, seed: int) -> Strings:
    """One walk for each number, between half and one and a half times the mean length."""
    chain = _chain(language)
    found, ends = _walk_all(*chain, np.array(numbers, np.int64), np.uint64(seed), mean_chars)
    text = found.tobytes().decode("utf-32-le")
    return [text[start:end].rstrip() for start, end in pairwise([0, *ends.tolist()])]


@compiled()
def _walk_all(
    points: npt.NDArray[np.uint32],
    bounds: npt.NDArray[np.int64],
    context: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    ends: npt.NDArray[np.bool_],
    numbers: npt.NDArray[np.int64],
    seed: np.uint64,
    mean_chars: int,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """(code points of all walks, where each ends)."""
    out = np.empty(numbers.size * (mean_chars * 3 // 2 + 1), np.uint32)
    stops = np.empty(numbers.size, np.int64)
    size = 0
    for walk in range(numbers.size):
        state = mix64(np.uint64(numbers[walk]) * BASE + seed)
        stop = size + mean_chars // 2 + np.int64(state % np.uint64(mean_chars))
        place = np.int64(-1)
        while size < stop:
            state = mix64(state + BASE)
            if place < 0:  # begins with a sentence
                place = np.int64(state % np.uint64(ends.size - 1))
                while place > 0 and not ends[place - 1]:
                    place -= 1
            else:
                start, end = first[context[place]], first[context[place] + 1]
                place = order[start + np.int64((state >> ONE) % np.uint64(end - start))] + 1
            for at in range(bounds[place], min(bounds[place + 1], bounds[place] + stop - size)):
                out[size] = points[at]
                size += 1
            if ends[place] and (state >> np.uint64(40)) % np.uint64(6) == np.uint64(0) and size < stop:
                blank = out[size - 1] == np.uint32(32)
                size += 0 if blank else 1
                out[size - 1] = np.uint32(10)
        stops[walk] = size
    return out[:size].copy(), stops


def shingles(text: str, language: str) -> set[str]:
    """The character 13-grams of the text in lower case without symbols: plain Python, for the truth alone."""
    bare = reduced(text, language)
    return {bare[i : i + SHINGLE_CHARS] for i in range(max(len(bare) - SHINGLE_CHARS + 1, 1))}


def reduced(text: str, language: str) -> str:
    """The text in lower case without symbols, in Chinese without blanks."""
    return _BLANKS.sub(" " if language == "english" else "", _SYMBOLS.sub("", text.lower())).strip()


def similarities(of: Corpus, at_most: int = 2_000) -> dict[str, float]:
    """The Jaccard similarity of each of the first copies to its base, by the copy's id."""
    copies = of.truth()[:at_most]
    texts = _texts(of, {name for copy in copies for name in (copy["id"], copy["base"])})
    sets = {name: shingles(text, of.language) for name, text in texts.items()}
    return {copy["id"]: jaccard(sets[copy["id"]], sets[copy["base"]]) for copy in copies}


def unrelated(of: Corpus, pairs: int = 2_000) -> list[float]:
    """The Jaccard similarities of pairs drawn among the first base documents."""
    copies = {copy["id"] for copy in of.truth()}
    names = [document_name(of.language, number) for number in range(min(of.documents, 400))]
    texts = _texts(of, set(names) - copies)
    sets = [shingles(texts[name], of.language) for name in sorted(texts)]
    draw = random.Random("pairs")
    return [jaccard(*draw.sample(sets, 2)) for _ in range(pairs)]


def cluster_sizes(of: Corpus) -> Counter[int]:
    """How many clusters have how many documents, a base document with its copies being one."""
    with_copies = Counter(Counter(copy["base"] for copy in of.truth()).values())
    sizes = Counter({size + 1: count for size, count in with_copies.items()})
    sizes[1] = of.documents - sum(size * count for size, count in sizes.items())
    return sizes


def jaccard(left: set[str], right: set[str]) -> float:
    """Shared members by all; 0 for two empty sets."""
    shared = len(left & right)
    union = len(left) + len(right) - shared
    return shared / union if union else 0.0


def _texts(of: Corpus, names: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in of.batches():
        if len(found) == len(names):
            break
        found |= {row["id"]: row["text"] for row in batch.to_pylist() if row["id"] in names}
    return found


def main() -> None:
    """Writes a corpus and prints what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=sorted(MATERIALS))
    parser.add_argument("documents", type=int)
    parser.add_argument("--mean-chars", type=int, default=1_000)
    chosen = parser.parse_args()
    made = corpus(chosen.language, chosen.documents, chosen.mean_chars)
    print(made.folder, f"{made.characters():,} characters", sorted(cluster_sizes(made).items()), sep="\n")


if __name__ == "__main__":
    main()
