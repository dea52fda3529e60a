"""A checkpoint as a Hugging Face Llama folder and back: the same weights, renamed and split, and the same tokenizer.

The files are written here and not by `save_pretrained`, so that equal checkpoints give equal bytes whatever version of
transformers reads them. No remote code is needed to load the result, and none is run to read one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from neo_assets.model.export.llama import architecture_of, llama_config, llama_sources, megatron_sources
from neo_assets.model.files.publish import FileToWrite, publish_together
from neo_assets.model.files.saved import FORMAT, MODEL, OPTIMISER, finish_folder, open_kind, read_architecture
from neo_assets.model.files.tensor_files import CheckpointError, Source, source, write_tensors
from neo_assets.model.files.whole_tensors import WholeTensors, open_tensors
from neo_assets.model.stack.protocol import MASTER, MOMENTS, STEP

WEIGHTS_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"
FILE_BYTES = 5_000_000_000
"""Largest file of weights, as on the hub."""


def to_hugging_face(
    checkpoint: Path,
    tokenizer_model: Path,
    out: Path,
    *,
    appended_tokens: Sequence[str],
    end_of_document: str,
    file_bytes: int = FILE_BYTES,
) -> tuple[Path, ...]:
    """Write the checkpoint and its SentencePiece tokenizer as a Hugging Face folder; returns the files in order.

    Args:
        checkpoint: of any layout and type.
        appended_tokens: tokens whose ids follow the SentencePiece vocabulary, in order.
        end_of_document: the one of them that ends a document.
        file_bytes: weights of more than this are divided over several files, with an index.

    Logits of `LlamaForCausalLM` with SDPA attention equal the trainer's bit for bit on the same CPU when hidden_size /
    n_heads and ffn_size are multiples of 16 and 32; smaller sizes differ in the last bit (1e-7), as torch then takes
    other kernels for split than for joined projections. One tensor at a time is in memory.
    """
    from sentencepiece import SentencePieceProcessor

    from neo_assets.model.export.hf_tokenizer import hugging_face_tokenizer, tokenizer_settings

    architecture = read_architecture(checkpoint)
    pieces = SentencePieceProcessor(model_file=str(tokenizer_model))
    eod_id = pieces.vocab_size() + list(appended_tokens).index(end_of_document)
    out.mkdir(parents=True, exist_ok=True)
    config = llama_config(architecture, eod_id, pieces.eos_id())
    generation = {"eos_token_id": config["eos_token_id"], "do_sample": False, "max_length": architecture.seq_length}
    with open_kind(checkpoint, MODEL) as weights:
        _write_weights(out, llama_sources(weights, architecture), file_bytes)
    _write_json(out / "config.json", config)
    _write_json(out / "generation_config.json", generation)
    hugging_face_tokenizer(pieces, appended_tokens).save(str(out / "tokenizer.json"))
    _write_json(out / "tokenizer_config.json", tokenizer_settings(end_of_document, architecture.seq_length))
    shutil.copyfile(tokenizer_model, out / "tokenizer.model")
    return tuple(sorted(out.iterdir()))


def from_hugging_face(folder: Path, out: Path) -> Path:
    """Make a checkpoint of a Llama folder's weights, with an optimiser that has not stepped; gives `out`.

    Weights keep their type; float16 becomes float32. `state.json` counts no tokens. One tensor at a time is in memory.

    Raises:
        CheckpointError: the folder is broken, or no Llama of the NEO family's kind.
    """
    architecture = architecture_of(_read_json(folder / "config.json"))
    state = {
        "format": FORMAT,
        "architecture": architecture.model_dump(mode="json"),
        "converted_from": "hugging face",
        "skipped_steps": [],
        "tokens": {"read": 0, "masked": 0, "applied": 0},
    }
    with _open_weights(folder) as llama:
        weights = megatron_sources(llama, architecture)
        masters = megatron_sources(llama, architecture, torch.float32) if architecture.dtype != "float32" else {}
        fresh = {f"{moment}.{name}": _zeros(given.shape) for moment in MOMENTS for name, given in weights.items()}
        fresh |= {f"{MASTER}.{name}": given for name, given in masters.items()}
        fresh[STEP] = source(torch.zeros(()))
        files = [FileToWrite(f"{MODEL}.safetensors", weights), FileToWrite(f"{OPTIMISER}.safetensors", fresh)]
        publish_together(out, files, lambda partial, layouts: finish_folder(partial, state))
    return out


def _zeros(shape: tuple[int, ...]) -> Source:
    return Source(torch.float32, shape, lambda: torch.zeros(shape))


def _write_weights(out: Path, sources: Mapping[str, Source], file_bytes: int) -> None:
    """One file, or numbered ones of at most `file_bytes` (a larger tensor has its own) with an index."""
    groups: list[dict[str, Source]] = [{}]
    for name, given in sources.items():
        if groups[-1] and sum(s.n_bytes for s in groups[-1].values()) + given.n_bytes > file_bytes:
            groups.append({})
        groups[-1][name] = given
    if len(groups) == 1:
        write_tensors(out / WEIGHTS_FILE, groups[0], {"format": "pt"})
        return
    where: dict[str, str] = {}
    for number, group in enumerate(groups, start=1):
        file = f"model-{number:05d}-of-{len(groups):05d}.safetensors"
        write_tensors(out / file, group, {"format": "pt"})
        where |= dict.fromkeys(group, file)
    total = sum(given.n_bytes for given in sources.values())
    _write_json(out / INDEX_FILE, {"metadata": {"total_size": total}, "weight_map": where})


@contextmanager
def _open_weights(folder: Path) -> Iterator[WholeTensors]:
    names = [WEIGHTS_FILE]
    if not (folder / WEIGHTS_FILE).is_file() and (folder / INDEX_FILE).is_file():
        names = sorted(set(_read_json(folder / INDEX_FILE)["weight_map"].values()))
    if any(Path(name).name != name for name in names):
        raise CheckpointError(f"{folder / INDEX_FILE} names files outside its folder; take another copy")
    with open_tensors({folder / name: None for name in names}) as tensors:
        yield tensors


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); take a whole Hugging Face folder") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} must hold a JSON object; take a whole Hugging Face folder")
    return content


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
