"""Megatron's weights under Llama's names and back: the same numbers, joined or split.

Megatron's QKV holds, per key/value group, the queries of the group, then its key, then its value; its fc1 holds gate,
then up. Both rotate halves of a head in the same order, so no rows change places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neo_assets.model.files.sharding import EMBEDDING, OUTPUT, global_shapes
from neo_assets.model.files.tensor_files import CheckpointError, Source
from neo_assets.model.files.whole_tensors import WholeTensors
from neo_assets.recipe.training import ArchitectureSettings

SAME = {  # within a layer: megatron's name, Llama's
    "input_layernorm.weight": "input_layernorm.weight",
    "self_attention.linear_proj.weight": "self_attn.o_proj.weight",
    "pre_mlp_layernorm.weight": "post_attention_layernorm.weight",
    "mlp.linear_fc2.weight": "mlp.down_proj.weight",
}
QKV, FC1 = "self_attention.linear_qkv.weight", "mlp.linear_fc1.weight"
PROJECTIONS = ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight")
GATE, UP = "mlp.gate_proj.weight", "mlp.up_proj.weight"
ENDS = {
    EMBEDDING: "model.embed_tokens.weight",
    "decoder.final_layernorm.weight": "model.norm.weight",
    OUTPUT: "lm_head.weight",
}
MADE_OF_CONFIG = ("inv_freq",)
"""Endings of tensors that old Llama files hold beside the weights."""


def split_qkv(joined: Tensor, architecture: ArchitectureSettings) -> tuple[Tensor, Tensor, Tensor]:
    """Query [heads * size, hidden], key and value [groups * size, hidden] of megatron's joined projection."""
    groups, size = architecture.n_kv_groups, architecture.head_size
    queries = architecture.n_heads // groups * size
    parts = torch.split(joined.view(groups, queries + 2 * size, -1), [queries, size, size], dim=1)
    query, key, value = (part.reshape(-1, joined.size(1)) for part in parts)
    return query, key, value


def join_qkv(query: Tensor, key: Tensor, value: Tensor, architecture: ArchitectureSettings) -> Tensor:
    """The inverse of `split_qkv`."""
    grouped = [part.view(architecture.n_kv_groups, -1, part.size(1)) for part in (query, key, value)]
    return torch.cat(grouped, dim=1).reshape(-1, query.size(1))


def llama_sources(weights: WholeTensors, architecture: ArchitectureSettings) -> dict[str, Source]:
    """Llama's tensors, in the order of its layers, each read when it is written."""
    hidden, size, ffn = architecture.hidden_size, architecture.head_size, architecture.ffn_size
    n_rows = (architecture.n_heads * size, architecture.n_kv_groups * size, architecture.n_kv_groups * size)
    out: dict[str, Source] = {}

    def add(llama: str, megatron: str, shape: tuple[int, ...], take: Callable[[Tensor], Tensor]) -> None:
        out[llama] = Source(weights.dtype(megatron), shape, lambda: take(weights.read(megatron)))

    for name, shape in global_shapes(architecture).items():
        number, part = _layer(name)
        prefix = f"model.layers.{number}."
        if number is None:
            add(ENDS[name], name, shape, _itself)
        elif part == QKV:
            for which, (llama, rows) in enumerate(zip(PROJECTIONS, n_rows, strict=True)):
                add(prefix + llama, name, (rows, hidden), partial(_projection, architecture, which))
        elif part == FC1:
            for which, llama in enumerate((GATE, UP)):
                add(prefix + llama, name, (ffn, hidden), partial(_half, which))
        else:
            add(prefix + SAME[part], name, shape, _itself)
    return out


def megatron_sources(
    llama: WholeTensors, architecture: ArchitectureSettings, dtype: torch.dtype | None = None
) -> dict[str, Source]:
    """Megatron's tensors, in the order of its layers, each read when it is written, as `dtype` (null: as stored).

    Raises:
        CheckpointError: Llama's tensors are not those of the architecture.
    """
    target = dtype or (torch.bfloat16 if architecture.dtype == "bfloat16" else torch.float32)
    needed = {name: _origins(name) for name in global_shapes(architecture)}
    _check_names(llama, [origin for origins in needed.values() for origin in origins])

    def read(name: str) -> Tensor:
        parts = [llama.read(origin) for origin in needed[name]]
        if name.endswith(QKV):
            parts = [join_qkv(parts[0], parts[1], parts[2], architecture)]
        return torch.cat(parts).to(target)

    def reader(name: str) -> Callable[[], Tensor]:
        return lambda: read(name)

    return {name: Source(target, shape, reader(name)) for name, shape in global_shapes(architecture).items()}


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


def architecture_of(config: Mapping[str, Any]) -> ArchitectureSettings:
    """The architecture that a Llama config.json describes.

    Raises:
        CheckpointError: it describes what the NEO family does not have; names the key.
    """
    rope = {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    if not isinstance(heads, int) or not isinstance(hidden, int):
        raise CheckpointError("config.json lacks num_attention_heads or hidden_size; it is no Llama model's")
    wanted = {
        "model_type": (config.get("model_type"), "llama"),
        "hidden_act": (config.get("hidden_act", "silu"), "silu"),
        "attention_bias": (config.get("attention_bias", False), False),
        "mlp_bias": (config.get("mlp_bias", False), False),
        "rope_type": (rope.get("rope_type", rope.get("type", "default")), "default"),
        "head_dim": (config.get("head_dim") or hidden // heads, hidden // heads),
    }
    for key, (found, expected) in wanted.items():
        if found != expected:
            raise CheckpointError(f"config.json: {key} is {found!r}, only {expected!r} can be converted")
    dtype = config.get("dtype", config.get("torch_dtype"))
    base = rope.get("rope_theta", config.get("rope_theta", 10_000))
    if float(base) != int(base):
        raise CheckpointError(f"config.json: rope_theta is {base!r}, only whole numbers can be converted")
    return ArchitectureSettings(
        n_layers=config["num_hidden_layers"],
        hidden_size=hidden,
        n_heads=heads,
        n_kv_groups=config.get("num_key_value_heads") or heads,
        ffn_size=config["intermediate_size"],
        vocab_rows=config["vocab_size"],
        seq_length=config["max_position_embeddings"],
        rms_norm_eps=config["rms_norm_eps"],
        rope_base=int(base),
        init_std=config.get("initializer_range", 0.02),
        untied=not config.get("tie_word_embeddings", False),
        dtype="bfloat16" if dtype == "bfloat16" else "float32",
    )


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def _projection(architecture: ArchitectureSettings, which: int, joined: Tensor) -> Tensor:
    return split_qkv(joined, architecture)[which]


def _half(which: int, joined: Tensor) -> Tensor:
    return joined.chunk(2, 0)[which]


def _layer(name: str) -> tuple[str | None, str]:
    """Number of the layer, if it is one's, and the name within it."""
    if name in ENDS:
        return None, name
    number, _, part = name.removeprefix("decoder.layers.").partition(".")
    return number, part


def _origins(name: str) -> tuple[str, ...]:
    """Llama's tensors that megatron's is joined of."""
    number, part = _layer(name)
    if number is None:
        return (ENDS[name],)
    parts = {QKV: PROJECTIONS, FC1: (GATE, UP)}.get(part) or (SAME[part],)
    return tuple(f"model.layers.{number}.{origin}" for origin in parts)


def _check_names(llama: WholeTensors, wanted: list[str]) -> None:
    # A tied model's file may hold the head a second time.
    optional = {ENDS[OUTPUT], *(name for name in llama.names if name.endswith(MADE_OF_CONFIG))}
    missing, unknown = set(wanted) - set(llama.names), set(llama.names) - set(wanted) - optional
    if missing or unknown:
        what, name = ("lacks", min(missing)) if missing else ("also holds", min(unknown))
        raise CheckpointError(f"the Hugging Face folder {what} tensor {name}; take the folder of one Llama model")
