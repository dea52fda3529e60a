from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("megatron.core")
transformers = pytest.importorskip("transformers")

import sentencepiece  # noqa: E402

from neo_assets.model.convert import to_hugging_face  # noqa: E402
from neo_assets.model.hf_tokenizer import has_dummy_prefix, hugging_face_tokenizer  # noqa: E402
from neo_assets.model.inference import open_model  # noqa: E402
from neo_assets.model.trainer import train_chunk  # noqa: E402
from neo_assets_tests.model.settings import EOD, SEED, learnable_tokens, tiny_training  # noqa: E402

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


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "dummy_prefix"])
def tokenizer_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences(400, 1)),
        model_prefix=str(folder / "sp"),
        model_type="bpe",
        vocab_size=N_PIECES,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=request.param,
        minloglevel=2,
        num_threads=1,
    )
    return folder / "sp.model"


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


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_logits_equal_the_trainers(tmp_path: Path, tokenizer_model: Path, groups: int) -> None:
    # Sizes are multiples of 16 and 32: below that, torch takes other kernels for split than for joined projections.
    training = tiny_training(hidden_size=64, ffn_size=64, n_kv_groups=groups, vocab_rows=384, rope_base=500_000)
    train_chunk(training, 0, learnable_tokens(8), None, tmp_path / "ckpt", seed=SEED, eod_id=EOD)
    out = tmp_path / "hf"
    to_hugging_face(tmp_path / "ckpt", tokenizer_model, out, appended_tokens=APPENDED, end_of_document="<EOD>")
    ids = torch.randint(0, 384, (3, 16), generator=torch.Generator().manual_seed(0))
    llama = transformers.AutoModelForCausalLM.from_pretrained(out, attn_implementation="sdpa", dtype="auto")
    with open_model(tmp_path / "ckpt") as model:
        ours, theirs = model.logits(ids), llama(ids).logits
        assert model.architecture == training.chosen
    assert ours.dtype == theirs.dtype == torch.float32
    assert torch.equal(ours, theirs)
    assert llama.generation_config.eos_token_id == [N_PIECES + 2, 2]


def test_the_folder_is_complete_and_has_the_same_bytes_again(tmp_path: Path, tokenizer_model: Path) -> None:
    training = tiny_training(vocab_rows=384)
    train_chunk(training, 0, learnable_tokens(8), None, tmp_path / "ckpt", seed=SEED, eod_id=EOD)
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
