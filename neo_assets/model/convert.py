"""A checkpoint as a Hugging Face Llama folder: the same weights, renamed and split, and the same tokenizer.

The files are written here and not by `save_pretrained`, so that equal checkpoints give equal bytes whatever version of
transformers reads them. No remote code is needed to load the result.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from neo_assets.model.checkpoint import MODEL_FILE, read_architecture
from neo_assets.recipe.training import ArchitectureSettings


def llama_weights(weights: Mapping[str, torch.Tensor], architecture: ArchitectureSettings) -> dict[str, torch.Tensor]:
    """Llama's tensors from megatron's: QKV holds, per group, queries, key, value; fc1 holds gate, then up."""
    out = {
        "model.embed_tokens.weight": weights["embedding.word_embeddings.weight"],
        "model.norm.weight": weights["decoder.final_layernorm.weight"],
    }
    if architecture.untied:
        out["lm_head.weight"] = weights["output_layer.weight"]
    heads, groups, size = architecture.n_heads, architecture.n_kv_groups, architecture.head_size
    per_group = heads // groups
    for layer in range(architecture.n_layers):
        megatron, llama = f"decoder.layers.{layer}.", f"model.layers.{layer}."
        qkv = weights[megatron + "self_attention.linear_qkv.weight"].view(groups, (per_group + 2) * size, -1)
        query, key, value = torch.split(qkv, [per_group * size, size, size], dim=1)
        gate, up = weights[megatron + "mlp.linear_fc1.weight"].chunk(2, 0)
        out |= {
            llama + "self_attn.q_proj.weight": query.reshape(heads * size, -1),
            llama + "self_attn.k_proj.weight": key.reshape(groups * size, -1),
            llama + "self_attn.v_proj.weight": value.reshape(groups * size, -1),
            llama + "self_attn.o_proj.weight": weights[megatron + "self_attention.linear_proj.weight"],
            llama + "mlp.gate_proj.weight": gate,
            llama + "mlp.up_proj.weight": up,
            llama + "mlp.down_proj.weight": weights[megatron + "mlp.linear_fc2.weight"],
            llama + "input_layernorm.weight": weights[megatron + "input_layernorm.weight"],
            llama + "post_attention_layernorm.weight": weights[megatron + "pre_mlp_layernorm.weight"],
        }
    return {name: tensor.clone().contiguous() for name, tensor in out.items()}


def llama_config(architecture: ArchitectureSettings, eod_id: int, eos_id: int) -> dict[str, Any]:
    """The content of config.json. Training ends documents with `eod_id`, so generation stops there and at `eos_id`."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "dtype": architecture.dtype,
        "eos_token_id": [eod_id, eos_id],
        "head_dim": architecture.head_size,
        "hidden_act": "silu",
        "hidden_size": architecture.hidden_size,
        "initializer_range": architecture.init_std,
        "intermediate_size": architecture.ffn_size,
        "max_position_embeddings": architecture.seq_length,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": architecture.n_heads,
        "num_hidden_layers": architecture.n_layers,
        "num_key_value_heads": architecture.n_kv_groups,
        "pad_token_id": None,
        "rms_norm_eps": architecture.rms_norm_eps,
        "rope_theta": float(architecture.rope_base),
        "tie_word_embeddings": not architecture.untied,
        "use_cache": True,
        "vocab_size": architecture.vocab_rows,
    }


def to_hugging_face(
    checkpoint: Path, tokenizer_model: Path, out: Path, *, appended_tokens: Sequence[str], end_of_document: str
) -> tuple[Path, ...]:
    """Write the checkpoint and its SentencePiece tokenizer as a Hugging Face folder; returns the files in order.

    Args:
        appended_tokens: tokens whose ids follow the SentencePiece vocabulary, in order.
        end_of_document: the one of them that ends a document.

    Logits of `LlamaForCausalLM` with SDPA attention equal the trainer's bit for bit on the same CPU when hidden_size /
    n_heads and ffn_size are multiples of 16 and 32; smaller sizes differ in the last bit (1e-7), as torch then takes
    other kernels for split than for joined projections.
    """
    from sentencepiece import SentencePieceProcessor

    from neo_assets.model.hf_tokenizer import hugging_face_tokenizer, tokenizer_settings

    architecture = read_architecture(checkpoint)
    pieces = SentencePieceProcessor(model_file=str(tokenizer_model))
    eod_id = pieces.vocab_size() + list(appended_tokens).index(end_of_document)
    out.mkdir(parents=True, exist_ok=True)
    config = llama_config(architecture, eod_id, pieces.eos_id())
    generation = {"eos_token_id": config["eos_token_id"], "do_sample": False, "max_length": architecture.seq_length}
    save_file(llama_weights(load_file(checkpoint / MODEL_FILE), architecture), out / MODEL_FILE, {"format": "pt"})
    _write_json(out / "config.json", config)
    _write_json(out / "generation_config.json", generation)
    hugging_face_tokenizer(pieces, appended_tokens).save(str(out / "tokenizer.json"))
    _write_json(out / "tokenizer_config.json", tokenizer_settings(end_of_document, architecture.seq_length))
    shutil.copyfile(tokenizer_model, out / "tokenizer.model")
    return tuple(sorted(out.iterdir()))


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
