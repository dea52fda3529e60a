"""The same model in plain PyTorch, with Llama's parameter names: what a careful author writes without a framework."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from neo_assets.recipe.training import ArchitectureSettings


class Attention(nn.Module):
    """Causal self-attention with grouped keys and values and rotary positions."""

    def __init__(self, of: ArchitectureSettings) -> None:
        super().__init__()
        self.size, kv_size = of.head_size, of.n_kv_groups * of.head_size
        self.q_proj = nn.Linear(of.hidden_size, of.hidden_size, bias=False)
        self.k_proj = nn.Linear(of.hidden_size, kv_size, bias=False)
        self.v_proj = nn.Linear(of.hidden_size, kv_size, bias=False)
        self.o_proj = nn.Linear(of.hidden_size, of.hidden_size, bias=False)
        self.grouped = of.n_heads != of.n_kv_groups

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Of [batch, sequence, hidden]."""
        query, key, value = (
            projection(x).unflatten(2, (-1, self.size)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        query, key = _rotated(query, cos, sin), _rotated(key, cos, sin)
        out = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=self.grouped)
        mixed: Tensor = self.o_proj(out.transpose(1, 2).flatten(2))
        return mixed


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, of: ArchitectureSettings) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(of.hidden_size, of.ffn_size, bias=False)
        self.up_proj = nn.Linear(of.hidden_size, of.ffn_size, bias=False)
        self.down_proj = nn.Linear(of.ffn_size, of.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Of [batch, sequence, hidden]."""
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """Attention and MLP, each behind a norm and beside a residual path."""

    def __init__(self, of: ArchitectureSettings) -> None:
        super().__init__()
        self.self_attn, self.mlp = Attention(of), Mlp(of)
        self.input_layernorm = nn.RMSNorm(of.hidden_size, of.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(of.hidden_size, of.rms_norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Of [batch, sequence, hidden]."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Plain(nn.Module):
    """Ids [batch, sequence] to logits."""

    def __init__(self, of: ArchitectureSettings) -> None:
        super().__init__()
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(of.vocab_rows, of.hidden_size),
                "layers": nn.ModuleList(Layer(of) for _ in range(of.n_layers)),
                "norm": nn.RMSNorm(of.hidden_size, of.rms_norm_eps),
            }
        )
        self.lm_head = nn.Linear(of.hidden_size, of.vocab_rows, bias=False)
        powers = torch.arange(0, of.head_size, 2, dtype=torch.float32) / of.head_size
        angles = torch.outer(torch.arange(of.seq_length, dtype=torch.float32), 1.0 / of.rope_base**powers)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [batch, sequence, rows]."""
        x = self.model["embed_tokens"](ids)
        for layer in self.model["layers"]:  # type: ignore[union-attr]
            x = layer(x, self.cos, self.sin)
        logits: Tensor = self.lm_head(self.model["norm"](x))
        return logits


def llama_names(weights: Mapping[str, Tensor], of: ArchitectureSettings) -> dict[str, Tensor]:
    """The trainer's weights under Llama's names, split as there."""
    from neo_assets.model.export.llama import split_qkv

    out = {
        "model.embed_tokens.weight": weights["embedding.word_embeddings.weight"],
        "model.norm.weight": weights["decoder.final_layernorm.weight"],
        "lm_head.weight": weights["output_layer.weight"],
    }
    for number in range(of.n_layers):
        theirs, ours = f"model.layers.{number}.", f"decoder.layers.{number}."
        attention = split_qkv(weights[ours + "self_attention.linear_qkv.weight"], of)
        gate_up = weights[ours + "mlp.linear_fc1.weight"].chunk(2, 0)
        for name, tensor in zip("qkv", attention, strict=True):
            out[f"{theirs}self_attn.{name}_proj.weight"] = tensor
        for name, tensor in zip(("gate", "up"), gate_up, strict=True):
            out[f"{theirs}mlp.{name}_proj.weight"] = tensor
        out[theirs + "self_attn.o_proj.weight"] = weights[ours + "self_attention.linear_proj.weight"]
        out[theirs + "mlp.down_proj.weight"] = weights[ours + "mlp.linear_fc2.weight"]
        out[theirs + "input_layernorm.weight"] = weights[ours + "input_layernorm.weight"]
        out[theirs + "post_attention_layernorm.weight"] = weights[ours + "pre_mlp_layernorm.weight"]
    return {name: tensor.detach().clone() for name, tensor in out.items()}


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin
