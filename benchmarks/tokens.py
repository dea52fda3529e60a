"""The tokenizer and what is made with it: training a vocabulary, encoding, packing; ours beside other systems.

    python -m benchmarks.tokens [--quick] [--megabytes 32] [--samples 4000000] [--parts train,encode,pack,chunk,order]

Every run is a process of its own, pinned to the cores named, one after the other (`benchmarks.tokens_systems`). Texts
are in memory before the clock starts and libraries are warm; of three runs the one with the least processor time
counts, and our memo of segments is empty at the start of each. Ratios are theirs to ours of processor time. *Same ids*
says whether all ids of all documents are SentencePiece's own. The vocabulary has the published settings and is trained
on an equal share of each corpus, with other documents than those encoded.

English and Chinese are made from the seed (`benchmarks.corpora`), with fewer different words than a crawl has, which
favours what remembers words; code is Python's own library as it is. Memory is the most that the process held, with the
texts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpora import MEGABYTE, cache_folder, documents
from benchmarks.dedup_process import Measured, available_cores, measure
from benchmarks.peers.environments import Peer, PeerError
from benchmarks.report import RESULTS, Table, write_tables

PEER = Peer("tokens", "", "benchmarks.tokens_systems", "")
LANGUAGES = ("english", "chinese", "code")
OURS, SENTENCEPIECE, HUGGING_FACE, KITOKEN, MEGATRON = (
    "neo-assets", "sentencepiece", "HF tokenizers", "kitoken", "Megatron",
)  # fmt: skip
MODULES = {HUGGING_FACE: "tokenizers", KITOKEN: "kitoken", MEGATRON: "megatron.core"}
TIMEOUT_SECONDS = 1800
TRAINING_SEED, ENCODED_SEED = 2, 1
COLUMNS = (
    "corpus", "system", "cores", "million tokens/s of CPU", "million tokens/s of wall", "MB/s of wall", "memory MiB",
    "ours is faster by", "same ids",
)  # fmt: skip


class Plan(NamedTuple):
    """How much is run."""

    megabytes: float
    vocab_size: int
    samples: int
    languages: tuple[str, ...]
    cores: tuple[int, ...]
    quick: bool


class Runner:
    """Runs systems, and says on the way which; remembers the vocabulary that ours trained."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder, self.failures = plan, folder, list[str]()
        self.texts = {language: self._corpus(language, ENCODED_SEED) for language in LANGUAGES}
        self.sample = [self._corpus(language, TRAINING_SEED) for language in LANGUAGES]
        self.model = folder / f"train-{OURS}-1" / "model"

    def _corpus(self, language: str, seed: int) -> Path:
        file = self.folder / f"{language}-{seed}.jsonl"
        n_bytes = round(self.plan.megabytes * MEGABYTE)
        texts = code(n_bytes, seed) if language == "code" else documents(language, n_bytes, seed)
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(
                json.dumps({"text": text.replace("\u2581", "")}, ensure_ascii=False) + "\n" for text in texts
            )
        return file

    def run(self, part: str, system: str, inputs: list[Path], cores: int = 1) -> Measured | str:
        """What was measured, or why not."""
        if system in MODULES and find_spec(MODULES[system].partition(".")[0]) is None:
            return "not installed"
        print(f"{part}: {system}, {', '.join(file.stem for file in inputs)}, cores: {cores}", flush=True)
        work = self.folder / f"{part}-{system}-{cores}"
        arguments = [part, system, "--work", str(work), "--cores", str(cores), "--model", str(self.model)]
        arguments += ["--vocab-size", str(self.plan.vocab_size), "--samples", str(self.plan.samples)]
        arguments += ["--inputs", ",".join(map(str, inputs))] if inputs else []
        try:
            found = measure(PEER, arguments, cores, TIMEOUT_SECONDS)
            assert found is not None  # noqa: S101
            return found
        except PeerError as error:
            if system == OURS:
                self.failures.append(f"{part}, cores {cores}: {error}")
            return f"failed: {error}"[:120].replace("|", "/").replace("\n", " ")


def code(n_bytes: int, seed: int) -> Iterator[str]:
    """Modules of Python's library in the order of a hash of their path; the two seeds' shares have none in common."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.py")}
    hashes = {name: hashlib.sha256(name.encode()).digest() for name in files if "site-packages" not in name}
    for name in sorted(hashes, key=lambda name: hashes[name]):
        if (hashes[name][-1] % 4 == 0) == (seed == TRAINING_SEED):
            try:
                text = files[name].read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            yield text
            n_bytes -= len(text.encode())
            if n_bytes <= 0:
                return


def train(runner: Runner) -> Table:
    """A vocabulary of the published size."""
    rows: list[tuple[str, ...]] = []
    measured = {system: runner.run("train", system, runner.sample) for system in (OURS, SENTENCEPIECE, HUGGING_FACE)}
    for system, found in measured.items():
        if isinstance(found, str):
            rows.append((system, found, "", "", ""))
            continue
        times = (f"{found.answer[kind]:.3g}" for kind in ("wall", "cpu"))
        rows.append((system, *times, f"{found.answer['bytes'] / MEGABYTE:.1f}", f"{found.peak_mib:,.0f}"))
    note = (
        "HF tokenizers trains byte-level BPE, another algorithm. Ours is SentencePiece's, with the sample's lines cut."
    )
    columns = ("system", "wall s", "CPU s", "MB of text", "memory MiB")
    return Table(f"Training {runner.plan.vocab_size:,} pieces", columns, rows, note)


def _compared(
    runner: Runner, part: str, systems: tuple[tuple[str, tuple[int, ...]], ...], reference: str | None
) -> list[tuple[str, ...]]:
    """Rows of all corpora and systems, each on the numbers of cores it is run on; the reference has the right ids."""
    rows = []
    for language in runner.plan.languages:
        found = {
            (system, n): runner.run(part, system, [runner.texts[language]], n)
            for system, cores in systems
            for n in cores
            if n in runner.plan.cores
        }
        right = found[reference, 1] if reference else ""
        for (system, n), one in found.items():
            if isinstance(one, str):
                rows.append((language, system, str(n), one, *[""] * (len(COLUMNS) - 4)))
                continue
            base, work = found[OURS, n], one.answer
            same = "" if isinstance(right, str) else "yes" if work["ids"] == right.answer["ids"] else "no"
            same = "reference" if (system, n) == (reference, 1) else same
            if system == OURS and same == "no":
                runner.failures.append(f"{part}, {language}, cores {n}: other ids than {reference}'s")
            ratio = "" if isinstance(base, str) or system == OURS else f"{work['cpu'] / base.answer['cpu']:.1f}x"
            speeds = [work["tokens"] / work[kind] / 1e6 for kind in ("cpu", "wall")]
            speeds.append(work["bytes"] / work["wall"] / MEGABYTE)
            cells = (*(f"{speed:.3g}" for speed in speeds), f"{one.peak_mib:,.0f}", ratio, same)
            rows.append((language, system, str(n), *cells))
    return rows


def encode(runner: Runner) -> Table:
    """Texts to ids."""
    systems = ((OURS, (1, 2)), (SENTENCEPIECE, (1, 2)), (HUGGING_FACE, (1, 2)), (KITOKEN, (1,)))
    note = "On two cores: threads, of ours, of SentencePiece (`num_threads`) and of HF tokenizers."
    return Table("Encoding", COLUMNS, _compared(runner, "encode", systems, SENTENCEPIECE), note)


def pack(runner: Runner) -> Table:
    """Texts to `.bin` and `.idx`."""
    note = (
        "From texts in memory to files. Ours has digests of blocks and files and a table of spans in it; Megatron's"
        " preprocessing loop (`tools/preprocess_data.py`) has a pool of as many processes as cores. *Same ids*: the"
        " `.bin` is Megatron's, byte for byte."
    )  # fmt: skip
    systems = ((OURS, (1, 2)), (MEGATRON, (1, 2)))
    return Table("Packing into Megatron's files", COLUMNS, _compared(runner, "pack", systems, MEGATRON), note)


def chunk(runner: Runner) -> Table:
    """Token shards to chunks."""
    note = (
        "From token files to sequences of 4,096 tokens in the order of training, one epoch. Ours writes them into a"
        " chunk, with its digests and a table that says which document every token is of; Megatron's `GPTDataset`"
        " makes its indexes, then every sample is read once as its trainer would (with labels and loss mask), and"
        " nothing says of which documents it was. Samples differ: Megatron permutes documents before it cuts them."
    )  # fmt: skip
    return Table("Order and chunks", COLUMNS, _compared(runner, "chunk", ((OURS, (1,)), (MEGATRON, (1,))), None), note)


def order(runner: Runner) -> Table:
    """What is read when, for many samples."""
    rows: list[tuple[str, ...]] = []
    measured = {system: runner.run("order", system, []) for system in (OURS, MEGATRON)}
    for system, found in measured.items():
        if isinstance(found, str):
            rows.append((system, found, "", "", "", ""))
            continue
        work = found.answer
        speeds = (f"{work['samples'] / work[kind] / 1e6:.3g}" for kind in ("cpu", "wall"))
        sizes = (f"{found.peak_mib:,.0f}", f"{work['written'] / MEGABYTE:.1f}")
        rows.append((system, f"{work['samples']:,}", *speeds, *sizes))
    note = (
        "Three subsets of half, 30 % and 20 % of the samples, of documents of 1,000 tokens on average; no token is"
        " read. Ours is the published table (a row says subset, sequence, epoch and token range; Parquet), drawn from"
        " hashes that depend on the subset's name alone and verified to be a permutation on the way; its memory has a"
        " bound. Megatron's are the `.npy` files of `BlendedMegatronDatasetBuilder`: it permutes with NumPy's"
        " generator in memory and checks nothing. It needs the lengths of all documents, ours only token counts."
    )  # fmt: skip
    columns = ("system", "samples", "million/s of CPU", "million/s of wall", "memory MiB", "MB written")
    return Table("The order of samples", columns, rows, note)


PARTS = {"train": train, "encode": encode, "pack": pack, "chunk": chunk, "order": order}


def main() -> None:
    """Runs the parts chosen, prints their tables and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a third of a megabyte of each corpus, on one core; one encoded and packed"
    )
    parser.add_argument("--megabytes", type=float, default=32.0, help="of each corpus (code: as much as there is)")
    parser.add_argument("--samples", type=int, default=4_000_000, help="of the order")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.parts) - PARTS.keys()):
        raise SystemExit(f"error: no such parts: {', '.join(unknown)}; parts are {', '.join(PARTS)}")
    cores = tuple(sorted({1, min(2, available_cores())}))
    plan = Plan(chosen.megabytes, 64_000, chosen.samples, LANGUAGES, cores, quick=False)
    if chosen.quick:
        plan = Plan(0.3, 3_000, 20_000, ("chinese",), (1,), quick=True)
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tokens-", dir=cache_folder()) as folder:
        runner = Runner(plan, Path(folder))
        if "train" not in chosen.parts:
            runner.run("train", OURS, runner.sample)
        tables = [PARTS[part](runner) for part in PARTS if part in chosen.parts]
    for table in tables:
        lines = ("  ".join(cell.ljust(14) for cell in row) for row in chain([table.columns], table.rows))
        print(f"\n{table.title}", *lines, sep="\n")
    notes = [(__doc__ or "").split("\n\n", 2)[-1].strip()]
    notes += ["**Quick run: not a measurement.**"] if plan.quick else []
    print(write_tables("tokens", "Tokenizer and packing", tables, "\n\n".join(notes), chosen.output))
    if runner.failures:
        raise SystemExit("\n".join(["error: ours failed:", *runner.failures]))


if __name__ == "__main__":
    main()
