"""The systems of `benchmarks.tokens`: each run is a process that prints one JSON object.

    python -m benchmarks.tokens_systems PART SYSTEM --work FOLDER [--inputs FILE,...] [--model FILE] [--cores N]

Texts are in memory before the clock starts, and a hundredth of them has been encoded, so that libraries are loaded and
machine code is there. Our memo of segments is empty when the clock starts. `ids` is a digest of all ids in their order.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.peers.dedup_protocol import Clock, best
from benchmarks.peers.protocol import peak_mib
from benchmarks.tokens_order import megatron_order, megatron_samples, our_chunk, our_order
from neo_assets.recipe.tokenizer import SamplingSettings, TokenizerSection
from neo_assets.tokens.streams.shards import write_shards
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer

Encoded = list[npt.NDArray[np.int32]]
MEGATRON_CHUNK = 32  # documents handed to a worker at once, as in Megatron's tools/preprocess_data.py


class Task(NamedTuple):
    """What a process is asked for."""

    part: str
    system: str
    inputs: list[Path]
    work: Path
    model: Path
    cores: int
    vocab_size: int
    samples: int

    @property
    def settings(self) -> TokenizerSection:
        """Those of the published model, but for the size of the vocabulary."""
        return TokenizerSection(sampling=SamplingSettings(total_characters=1), vocab_size=self.vocab_size)

    def tokenizer(self) -> Tokenizer:
        """The trained model, ours."""
        return Tokenizer.load(self.model, self.settings)

    def texts(self) -> list[str]:
        """All texts of the inputs."""
        return [json.loads(line)["text"] for file in self.inputs for line in file.open(encoding="utf-8")]


def train(task: Task) -> dict[str, Any]:
    """A vocabulary from the inputs."""
    work, texts = task.work / "model", task.texts()
    with Clock() as clock:
        if task.system == "neo-assets":
            rows = {"doc_id": [f"{i:08}" for i in range(len(texts))], "text": texts, "copies": [1] * len(texts)}
            work.write_bytes(train_tokenizer(pa.table(rows), task.settings, 1))
        elif task.system == "sentencepiece":
            import sentencepiece

            lines = (line for text in texts for line in text.split("\n") if line)
            model = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=lines, model_writer=model, model_type="bpe", vocab_size=task.vocab_size,
                character_coverage=0.9999, max_sentence_length=64_000, split_digits=True, byte_fallback=True,
                normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1, minloglevel=2,
            )  # fmt: skip
            work.write_bytes(model.getvalue())
        else:
            from tokenizers import Tokenizer as HuggingFace
            from tokenizers import models, pre_tokenizers, trainers

            tokenizer = HuggingFace(models.BPE())
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            alphabet = pre_tokenizers.ByteLevel.alphabet()
            trainer = trainers.BpeTrainer(
                vocab_size=task.vocab_size, initial_alphabet=alphabet, max_token_length=16, show_progress=False
            )
            tokenizer.train_from_iterator(texts, trainer)
            tokenizer.save(str(work))
    return {"cpu": clock.cpu, "wall": clock.wall, "bytes": _size(texts), "ids": _sha256(work.read_bytes())}


def encode(task: Task) -> dict[str, Any]:
    """Ids of the inputs, in memory."""
    texts = task.texts()
    run = ENCODERS[task.system](task)
    run(texts[: max(len(texts) // 100, task.cores)])
    found: list[Encoded] = []

    def once() -> None:
        found[:] = [list(run(texts))]

    clock = best(once)
    digest = hashlib.sha256()
    for ids in found[0]:
        digest.update(np.asarray(ids, "<i4").tobytes())
    tokens = sum(map(len, found[0]))
    return {"cpu": clock.cpu, "wall": clock.wall, "bytes": _size(texts), "tokens": tokens, "ids": digest.hexdigest()}


Encode = Callable[[list[str]], Iterable[Any]]


def _ours(task: Task) -> Encode:
    tokenizer = task.tokenizer()

    def run(texts: list[str]) -> Encoded:
        # Threads, and with them their memos, are new in every run.
        parts = [texts[i : i + 256] for i in range(0, len(texts), 256)]
        with ThreadPoolExecutor(task.cores) as pool:
            return [ids for part in pool.map(tokenizer.encode_batch, parts) for ids in part]

    return run


def _sentencepiece(task: Task) -> Encode:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(task.model))
    return lambda texts: processor.encode_as_numpy(texts, num_threads=task.cores)


def _hugging_face(task: Task) -> Encode:
    import sentencepiece

    from neo_assets.model.export.hf_tokenizer import hugging_face_tokenizer

    tokenizer = hugging_face_tokenizer(sentencepiece.SentencePieceProcessor(model_file=str(task.model)), ())
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


def _kitoken(task: Task) -> Encode:
    import kitoken

    encoder = kitoken.Kitoken.from_file(str(task.model))
    return lambda texts: [encoder.encode(text, False) for text in texts]


ENCODERS: dict[str, Callable[[Task], Encode]] = {
    "neo-assets": _ours, "sentencepiece": _sentencepiece, "HF tokenizers": _hugging_face, "kitoken": _kitoken,
}  # fmt: skip


def pack(task: Task) -> dict[str, Any]:
    """Token files in Megatron's format."""
    texts = task.texts()
    if task.system == "neo-assets":
        tokenizer = task.tokenizer()
        batches = _documents(texts)
        tokenizer.encode_arrow(batches[0].column("text")[: max(len(texts) // 100, 1)])
        with Clock() as clock:
            shards = write_shards(batches, tokenizer, task.work / "shards", "corpus", n_workers=task.cores)
        tokens, file = shards.n_tokens, task.work / "shards" / "shard_00000.bin"
    else:
        tokens, file, clock = _megatron(task, texts)
    answer = {"cpu": clock.cpu, "wall": clock.wall, "bytes": _size(texts), "tokens": tokens}
    return {**answer, "ids": _sha256(file.read_bytes())}


def _megatron(task: Task, texts: list[str]) -> tuple[int, Path, Clock]:
    """The loop of Megatron's tools/preprocess_data.py: a pool tokenizes, one process builds, a tensor a document."""
    import torch
    from megatron.core.datasets.indexed_dataset import DType, IndexedDatasetBuilder

    end, file, tokens = task.settings.end_of_document_id, task.work / "megatron.bin", 0
    builder = IndexedDatasetBuilder(str(file), dtype=DType.optimal_dtype(task.settings.n_ids))
    with Clock() as clock:
        with multiprocessing.get_context("fork").Pool(task.cores, partial(_load, str(task.model))) as pool:
            for ids in pool.imap(_tokenized, texts, MEGATRON_CHUNK):
                ids.append(end)
                tokens += len(ids)
                builder.add_item(torch.IntTensor(ids))
                builder.end_document()
            pool.close()
            pool.join()
        builder.finalize(str(file.with_suffix(".idx")))
    return tokens, file, clock


_processor: list[Any] = []


def _load(model: str) -> None:
    import sentencepiece

    _processor[:] = [sentencepiece.SentencePieceProcessor(model_file=model)]


def _tokenized(text: str) -> list[int]:
    ids: list[int] = _processor[0].encode(text)
    return ids


def chunk(task: Task) -> dict[str, Any]:
    """From token files to sequences of 4,096 tokens in the order of training: one epoch."""
    texts, folder = task.texts(), task.work / "shards"
    shards = write_shards(_documents(texts), task.tokenizer(), folder, "corpus", n_workers=task.cores)
    run = partial(our_chunk, folder, shards) if task.system == "neo-assets" else partial(megatron_samples, folder)
    clock, tokens = run(task.work)
    return {"cpu": clock.cpu, "wall": clock.wall, "bytes": _size(texts), "tokens": tokens}


def order(task: Task) -> dict[str, Any]:
    """What is read when, for so many samples of three subsets, without tokens."""
    return (our_order if task.system == "neo-assets" else megatron_order)(task.samples, task.work)


def _documents(texts: list[str]) -> list[pa.RecordBatch]:
    columns = [pa.array([f"{i:08}" for i in range(len(texts))]), pa.array([""] * len(texts)), pa.array(texts)]
    return [pa.record_batch(columns, ["doc_id", "url", "text"])]


def _size(texts: Iterable[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


PARTS: dict[str, Callable[[Task], dict[str, Any]]] = {
    "train": train, "encode": encode, "pack": pack, "chunk": chunk, "order": order,
}  # fmt: skip


def main() -> None:
    """Runs one part with one system."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("system")
    parser.add_argument("--inputs", type=lambda text: [Path(name) for name in text.split(",")], default=[])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path())
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--vocab-size", type=int, default=64_000)
    parser.add_argument("--samples", type=int, default=0)
    task = Task(**vars(parser.parse_args()))
    task.work.mkdir(parents=True, exist_ok=True)
    print(json.dumps({**PARTS[task.part](task), "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
