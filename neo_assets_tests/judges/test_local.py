"""The judge in this process: tiny Llamas, one of random weights and one built to say what a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neo_assets.judges.cache import AnswerCache
from neo_assets.judges.local import LocalJudge, LocalModelError, LocalSettings, _loaded
from neo_assets.judges.model import Judge, JudgeRequest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

VOCABULARY = ["<unk>", "<s>", "</s>", "yes", "no", "maths", "shop", "page", "Answer", ":", ".", "user", "loop"]
UNKNOWN = VOCABULARY[0]
NEXT = {"maths": "yes", "shop": "no", "yes": ".", "no": ".", ".": "</s>", ":": "no", "page": "loop", "loop": "loop"}
LAST_WORDS = "{% for message in messages %}{{ message['role'] + ' ' + message['content'] + ' ' }}{% endfor %}"


def save(folder: Path, *, chain: bool, template: str | None = LAST_WORDS) -> str:
    """A model over whole words. As a chain, the next word depends on the last one only, as `NEXT` says."""
    ids = {word: place for place, word in enumerate(VOCABULARY)}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token=UNKNOWN))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    marks = dict(zip(("unk_token", "bos_token", "eos_token"), VOCABULARY, strict=False))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, **marks)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    n = len(VOCABULARY)
    config = transformers.LlamaConfig(
        vocab_size=n, hidden_size=16, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(config)
    if chain:
        with torch.no_grad():
            for layer in model.model.layers:
                layer.self_attn.o_proj.weight.zero_()
                layer.mlp.down_proj.weight.zero_()
            model.model.embed_tokens.weight.copy_(torch.eye(n, 16))
            model.lm_head.weight.zero_()
            for word, following in NEXT.items():
                model.lm_head.weight[ids[following], ids[word]] = 1
    else:
        with torch.no_grad():
            for weights in model.parameters():
                weights.mul_(20 if weights.ndim > 1 else 1)
    model.save_pretrained(folder, safe_serialization=True)
    return str(folder)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("chain"), chain=True)


def asked(folder: str, prompts: list[str], cache: AnswerCache | None = None, **more: Any):
    judge = LocalJudge(LocalSettings(folder=folder, **{"max_answer_tokens": 8, **more}), cache)
    assert isinstance(judge, Judge)
    check = more.get("check")
    return list(judge.ask([JudgeRequest(f"r{n}", one, "system") for n, one in enumerate(prompts)], check)), judge


def test_prompts_of_unlike_length_are_answered_in_order(chain):
    prompts = ["maths", "page page page shop", "shop maths", "no page no shop"] * 3
    found, judge = asked(chain, prompts, batch_size=5)
    assert [one.id for one in found] == [f"r{n}" for n in range(12)]
    assert [one.text for one in found] == ["yes .", "no .", "yes .", "no ."] * 3
    assert [one.error for one in found] == [None] * 12
    assert (found[0].prompt_tokens, found[0].answer_tokens, found[0].judge) == (4, 2, "local")
    # The first batch of five holds one question twice; so do the others.
    assert judge.requests_left == 1000 - sum(one.attempts for one in found) and found[4].attempts == 0


def test_padding_changes_no_answer(tmp_path):
    folder = save(tmp_path, chain=False)
    prompts = ["maths", "shop page no yes maths shop : . page", "no no", "page maths . shop"]
    single = [_loaded(folder).answers([_loaded(folder).tokens(JudgeRequest("", one))], 6)[0] for one in prompts]
    together = _loaded(folder).answers([_loaded(folder).tokens(JudgeRequest("", one)) for one in prompts], 6)
    assert together == single and len(set(single)) > 1


def test_a_second_run_asks_only_what_has_no_answer(chain, tmp_path):
    cache = AnswerCache(tmp_path)
    first, judge = asked(chain, ["maths", "shop", "page maths"], cache, max_requests=2)
    assert [one.text for one in first] == ["yes .", "no .", None] and judge.requests_left == 0
    assert first[2].error is not None and first[2].error.startswith("budget")
    second, judge = asked(chain, ["maths", "shop", "page maths"], cache, max_requests=2)
    assert [(one.text, one.attempts) for one in second] == [("yes .", 0), ("no .", 0), ("yes .", 1)]
    assert [one.digest for one in first] == [one.digest for one in second] and judge.requests_left == 1
    empty, judge = asked(chain, [], cache)
    assert empty == []


def test_what_is_cut_off_too_long_or_refused_is_a_failure(chain, tmp_path):
    cache = AnswerCache(tmp_path)
    found, _ = asked(chain, ["page", "maths " * 60, "maths"], cache)
    assert [one.text for one in found] == [None, None, "yes ."]
    assert found[0].error == "malformed: the answer was cut off; raise max_answer_tokens"
    assert found[1].error == "length: the prompt has 63 tokens, 56 are allowed; shorten the excerpt"
    assert len(list(tmp_path.rglob("*.json"))) == 1

    def check(text: str) -> None:
        raise ValueError("no sense")

    judge = LocalJudge(LocalSettings(folder=chain, max_answer_tokens=8), cache)
    (refused,) = judge.ask([JudgeRequest("a", "maths", "system")], check)
    assert (refused.text, refused.error, refused.attempts) == (None, "refused: no sense", 0)


def test_without_a_chat_template_the_prompt_is_plain(tmp_path):
    folder = save(tmp_path, chain=True, template=None)
    found, _ = asked(folder, ["maths"])
    assert found[0].text == "no ."


def test_the_model_is_known_by_its_files_not_its_place(chain, tmp_path):
    other, copy = tmp_path / "other", tmp_path / "copy" / Path(chain).name
    save(other, chain=False)
    copy.mkdir(parents=True)
    for file in Path(chain).iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    models = [LocalJudge(LocalSettings(folder=str(one))).model for one in (chain, copy, other)]
    assert models[0] == models[1] and models[0].split("@")[1] != models[2].split("@")[1]


def test_folders_without_a_usable_model_say_what_to_do(chain, tmp_path):
    with pytest.raises(LocalModelError, match=r"no config\.json"):
        asked(str(tmp_path), ["maths"])
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(LocalModelError, match="safetensors"):
        asked(str(tmp_path), ["maths"])
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(LocalModelError, match="cannot be loaded"):
        asked(str(tmp_path), ["maths"])
    remote = tmp_path / "remote"
    remote.mkdir()
    for file in Path(chain).iterdir():
        (remote / file.name).write_bytes(file.read_bytes())
    text = '{"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}'
    (remote / "config.json").write_text(text)
    (remote / "own.py").write_text(f"open({str(remote / 'ran')!r}, 'w')")
    with pytest.raises(LocalModelError, match="cannot be loaded"):
        asked(str(remote), ["maths"])
    assert not (remote / "ran").exists()
