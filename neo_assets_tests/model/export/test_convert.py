from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")
transformers = pytest.importorskip("transformers")

import sentencepiece  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from neo_assets.model.export.convert import from_hugging_face, to_hugging_face  # noqa: E402
from neo_assets.model.export.hf_tokenizer import has_dummy_prefix, hugging_face_tokenizer  # noqa: E402
from neo_assets.model.export.inference import open_model  # noqa: E402
from neo_assets.model.export.llama import llama_config  # noqa: E402
from neo_assets.model.files.checkpoint import (  # noqa: E402
    CheckpointError,
    load_checkpoint,
    read_architecture,
    verify_checkpoint,
    weights_digest,
)
from neo_assets.model.stack.gpt import build_stack, process_group  # noqa: E402
from neo_assets_tests.model.memory_stack import make_checkpoint  # noqa: E402
from neo_assets_tests.model.settings import SEED, tiny_training  # noqa: E402

N_PIECES = 330
APPENDED = ("<CLS>", "<SEP>", "<EOD>", "<MASK>", "<PAD>")
WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "2024",
    "dogs",
    "一个",
    "中文",
    "句子",
    "里",
    "有",
    "许多",
    "词",
    "language",
    "x_y =",
    "f(z)",
]


def sentences(n: int, seed: int) -> list[str]:
    """Deterministic word salad in both languages."""
    chooser = random.Random(seed)
    return [" ".join(chooser.choices(WORDS, k=chooser.randint(1, 12))) for _ in range(n)]


def train_tokenizer(folder: Path, dummy_prefix: bool) -> Path:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences(400, 1)),
        model_prefix=str(folder / "sp"),
        model_type="bpe",
        vocab_size=N_PIECES,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=dummy_prefix,
        minloglevel=2,
        num_threads=1,
    )
    return folder / "sp.model"


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "dummy_prefix"])
def tokenizer_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"), request.param)


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tokenizer(tmp_path_factory.mktemp("plain"), False)


HARD = ["", " ", "  two  leading", "trailing ", "a\n\tb", "2024年", "𠀀😀", "é", "<s> </s>", "未见过的字", "\u3000全角"]


def test_the_tokenizer_gives_the_ids_of_sentencepiece(tokenizer_model: Path) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    tokenizer = hugging_face_tokenizer(pieces, APPENDED)
    assert has_dummy_prefix(pieces) == (pieces.encode("the", out_type=str)[0][0] == "▁")
    hard = HARD if not has_dummy_prefix(pieces) else [text for text in HARD if text.strip()]
    for text in [*sentences(300, 2), *hard]:
        assert tokenizer.encode(text).ids == pieces.encode(text), text
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert [tokenizer.token_to_id(token) for token in APPENDED] == list(range(N_PIECES, N_PIECES + 5))


def largest_difference(checkpoint: Path, hugging_face: Path, vocab_rows: int) -> float:
    ids = torch.randint(0, vocab_rows, (3, 16), generator=torch.Generator().manual_seed(0))
    llama = transformers.AutoModelForCausalLM.from_pretrained(
        hugging_face, attn_implementation="sdpa", dtype=torch.float32
    ).eval()
    with open_model(checkpoint) as model:
        ours, theirs = model.logits(ids), llama(ids).logits
    assert ours.dtype == theirs.dtype == torch.float32
    assert ours.std() > 0.1  # the weights are not trivial
    return float((ours - theirs).abs().max())


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("untied", [True, False])
def test_there_and_back_nothing_changes(tmp_path: Path, plain_model: Path, groups: int, untied: bool) -> None:
    # Sizes are multiples of 16 and 32: below that, torch takes other kernels for split than for joined projections.
    change = {"hidden_size": 64, "ffn_size": 64, "n_kv_groups": groups, "vocab_rows": 384, "rope_base": 500_000}
    architecture = tiny_training(**change, untied=untied).chosen
    make_checkpoint(tmp_path / "ckpt", architecture)
    out = tmp_path / "hf"
    to_hugging_face(tmp_path / "ckpt", plain_model, out, appended_tokens=APPENDED, end_of_document="<EOD>")
    assert largest_difference(tmp_path / "ckpt", out, 384) == 0.0
    from_hugging_face(out, tmp_path / "back")
    verify_checkpoint(tmp_path / "back")
    assert weights_digest(tmp_path / "back") == weights_digest(tmp_path / "ckpt")
    assert read_architecture(tmp_path / "back") == architecture
    config = transformers.GenerationConfig.from_pretrained(out)
    assert config.eos_token_id == [N_PIECES + 2, 2]


@pytest.mark.parametrize(("heads", "groups"), [(4, 4), (4, 2), (4, 1)], ids=["mha", "gqa", "mqa"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_foreign_llama_gives_the_same_logits(tmp_path: Path, heads: int, groups: int, tied: bool) -> None:
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=80, hidden_size=48, intermediate_size=56, num_hidden_layers=3, num_attention_heads=heads,
        num_key_value_heads=groups, max_position_embeddings=16, rms_norm_eps=1e-6, tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": 20_000.0}, initializer_range=0.3,
    )  # fmt: skip
    llama = transformers.LlamaForCausalLM(config)
    for name, parameter in llama.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    llama.save_pretrained(tmp_path / "hf", max_shard_size="20KB")
    assert len(list((tmp_path / "hf").glob("*.safetensors"))) > 3  # several files and an index
    from_hugging_face(tmp_path / "hf", tmp_path / "ckpt")
    verify_checkpoint(tmp_path / "ckpt")
    assert largest_difference(tmp_path / "ckpt", tmp_path / "hf", 80) < 1e-5


def test_bfloat16_weights_stay_what_they_are(tmp_path: Path, plain_model: Path) -> None:
    architecture = tiny_training(vocab_rows=384).chosen.model_copy(update={"dtype": "bfloat16"})
    make_checkpoint(tmp_path / "ckpt", architecture, bfloat16=True)
    out = tmp_path / "hf"
    to_hugging_face(tmp_path / "ckpt", plain_model, out, appended_tokens=APPENDED, end_of_document="<EOD>")
    assert {tensor.dtype for tensor in load_file(out / "model.safetensors").values()} == {torch.bfloat16}
    assert largest_difference(tmp_path / "ckpt", out, 384) < 1e-5  # both compute in float32
    from_hugging_face(out, tmp_path / "back")
    verify_checkpoint(tmp_path / "back")
    assert weights_digest(tmp_path / "back") == weights_digest(tmp_path / "ckpt")
    moments = load_file(tmp_path / "back" / "optimiser.safetensors")
    name = "decoder.layers.0.mlp.linear_fc1.weight"
    assert torch.equal(moments[f"master.{name}"], load_file(tmp_path / "ckpt" / "model.safetensors")[name].float())
    assert not moments[f"exp_avg.{name}"].any()


def test_large_weights_are_divided_over_files(tmp_path: Path, plain_model: Path) -> None:
    make_checkpoint(tmp_path / "ckpt", tiny_training(vocab_rows=384).chosen)
    out = tmp_path / "hf"
    to_hugging_face(
        tmp_path / "ckpt", plain_model, out, appended_tokens=APPENDED, end_of_document="<EOD>", file_bytes=60_000
    )
    files = sorted(out.glob("model-*.safetensors"))
    assert len(files) == 3
    assert not (out / "model.safetensors").exists()
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {path.name for path in files}
    assert index["metadata"]["total_size"] == sum(t.nbytes for path in files for t in load_file(path).values())
    assert largest_difference(tmp_path / "ckpt", out, 384) < 1e-5
    from_hugging_face(out, tmp_path / "back")
    assert weights_digest(tmp_path / "back") == weights_digest(tmp_path / "ckpt")


def test_a_converted_model_can_be_trained_on(tmp_path: Path, plain_model: Path) -> None:
    training = tiny_training(vocab_rows=384)
    make_checkpoint(tmp_path / "ckpt", training.chosen)
    out = tmp_path / "hf"
    to_hugging_face(tmp_path / "ckpt", plain_model, out, appended_tokens=APPENDED, end_of_document="<EOD>")
    from_hugging_face(out, tmp_path / "back")
    with process_group():
        stack = build_stack(training, training.phases[0], SEED)
        load_checkpoint(tmp_path / "back", stack, optimiser=True)
        assert not any(tensor.any() for tensor in stack.optimiser_state().values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "gpt2"}, "model_type is 'gpt2', only 'llama'"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"head_dim": 16}, "head_dim is 16, only 8"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_type is 'linear'"),
        ({"rope_theta": 0.5}, "rope_theta is 0.5"),
        ({"hidden_size": None}, "no Llama model"),
        ({"num_hidden_layers": 3}, "lacks tensor model.layers.2"),
        ({"num_hidden_layers": 1}, "also holds tensor model.layers.1"),
    ],
)
def test_what_cannot_be_converted_is_named(
    tmp_path: Path, plain_model: Path, change: dict[str, Any], message: str
) -> None:
    make_checkpoint(tmp_path / "ckpt", tiny_training(vocab_rows=384).chosen)
    out = tmp_path / "hf"
    to_hugging_face(tmp_path / "ckpt", plain_model, out, appended_tokens=APPENDED, end_of_document="<EOD>")
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(CheckpointError, match=message):
        from_hugging_face(out, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_broken_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read"):
        from_hugging_face(tmp_path, tmp_path / "back")
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="must hold a JSON object"):
        from_hugging_face(tmp_path, tmp_path / "back")
    architecture = tiny_training().chosen
    (tmp_path / "config.json").write_text(json.dumps(llama_config(architecture, 60, 2)))
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        from_hugging_face(tmp_path, tmp_path / "back")
    index = {"weight_map": {"lm_head.weight": "../elsewhere.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="names files outside its folder"):
        from_hugging_face(tmp_path, tmp_path / "back")


def test_the_folder_is_complete_and_has_the_same_bytes_again(tmp_path: Path, tokenizer_model: Path) -> None:
    make_checkpoint(tmp_path / "ckpt", tiny_training(vocab_rows=384).chosen)
    folders = [tmp_path / "a", tmp_path / "b"]
    files = [
        to_hugging_face(tmp_path / "ckpt", tokenizer_model, out, appended_tokens=APPENDED, end_of_document="<EOD>")
        for out in folders
    ]
    assert [p.name for p in files[0]] == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
    ]
    assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]
    assert json.loads((folders[0] / "config.json").read_text())["vocab_size"] == 384
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders[0])
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_model))
    assert all(tokenizer.encode(text) == pieces.encode(text) for text in sentences(50, 3))
    assert tokenizer.eos_token_id == N_PIECES + 2
