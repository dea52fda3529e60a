"""A judge in this process: a causal language model from a folder of Hugging Face's format.

Weights are read as safetensors and no code that comes with them is run. Answers are the most probable ones (greedy),
so they repeat on one machine; another batch size or processor may round otherwise and, rarely, say otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from neo_assets.judges.cache import AnswerCache
from neo_assets.judges.model import Check, Judgement, JudgeRequest, checked
from neo_assets.recipe.base import Section

_DECIDING = (".json", ".jinja", ".model", ".txt", ".safetensors")
_PIECE = 1 << 16


class LocalModelError(ValueError):
    """The model cannot be used; the message says what to do."""


class LocalSettings(Section):
    """A model on this machine, and how much it may be asked."""

    folder: str = Field(min_length=1, description="with config.json, tokenizer and *.safetensors")
    batch_size: int = Field(8, ge=1, le=1024, description="prompts at once")
    max_requests: int = Field(1000, gt=0, description="prompts of a run")
    max_answer_tokens: int = Field(200, gt=0)
    max_prompt_tokens: int = Field(8192, gt=0, description="a longer prompt is refused, and so is one beyond the model")

    @property
    def parameters(self) -> dict[str, float | int]:
        """What decides an answer beside the question."""
        return {"temperature": 0, "max_tokens": self.max_answer_tokens}


@dataclass
class LocalJudge:
    """Asks the model of `settings.folder`, which is loaded for the first question without a stored answer.

    `cache` is where answers are kept, null for nowhere. The budget is that of the object.
    """

    settings: LocalSettings
    cache: AnswerCache | None = None
    _left: int = field(init=False)

    def __post_init__(self) -> None:
        self._left = self.settings.max_requests

    @property
    def name(self) -> str:
        """Of the kind of judge."""
        return "local"

    @property
    def model(self) -> str:
        """Which model answers: the folder's name, and a digest of its files other than the path."""
        return f"{Path(self.settings.folder).name}@{_identity(self.settings.folder)}"

    @property
    def requests_left(self) -> int:
        """Prompts that the budget still allows."""
        return self._left

    def ask(self, requests: Iterable[JudgeRequest], check: Check | None = None) -> Iterator[Judgement]:
        """One judgement a request, in their order, a batch at a time; equal questions of a batch are asked once.

        Raises:
            LocalModelError: the folder has no usable model.
        """
        coming = iter(requests)
        while part := list(islice(coming, self.settings.batch_size)):
            digests = [request.digest(self.name, self.model, self.settings.parameters) for request in part]
            found: dict[str, Judgement] = {}
            missing: dict[str, JudgeRequest] = {}
            for request, digest in zip(part, digests, strict=True):
                stored = self.cache.get(digest, request, self.name, self.model) if self.cache else None
                if stored is not None:
                    found[digest] = stored
                else:
                    missing.setdefault(digest, request)
            for judgement in self._asked(missing):
                found[judgement.digest] = judgement
                if self.cache is not None:
                    self.cache.put(judgement)
            for request, digest in zip(part, digests, strict=True):
                first = missing.get(digest) is request
                yield _checked(found[digest], request.id, found[digest].attempts if first else 0, check)

    def _asked(self, requests: dict[str, JudgeRequest]) -> Iterator[Judgement]:
        """A judgement for each digest: prompts within the budget and the model's length go through it together."""
        loaded = _loaded(self.settings.folder) if requests and self._left else None
        prompts: dict[str, list[int]] = {}
        for digest, request in requests.items():
            if loaded is None or self._left <= 0:
                error = "budget: no request is left; raise max_requests and run again"
                yield self._judgement(request, digest, None, 0, 0, error, 0)
                continue
            tokens = loaded.tokens(request)
            limit = min(self.settings.max_prompt_tokens, loaded.max_tokens - self.settings.max_answer_tokens)
            if len(tokens) > limit:
                error = f"length: the prompt has {len(tokens)} tokens, {max(limit, 0)} are allowed; shorten the excerpt"
                yield self._judgement(request, digest, None, len(tokens), 0, error, 0)
                continue
            self._left -= 1
            prompts[digest] = tokens
        if loaded is None or not prompts:
            return
        answers = loaded.answers(list(prompts.values()), self.settings.max_answer_tokens)
        for (digest, tokens), (text, n_tokens, ended) in zip(prompts.items(), answers, strict=True):
            fault = None if ended else "malformed: the answer was cut off; raise max_answer_tokens"
            yield self._judgement(requests[digest], digest, text, len(tokens), n_tokens, fault, 1)

    def _judgement(
        self, request: JudgeRequest, digest: str, text: str | None, prompt: int, answer: int, error: str | None,
        attempts: int,
    ) -> Judgement:  # fmt: skip
        return Judgement(
            request.id, digest, self.name, self.model, request.version, text if error is None else None, text or "",
            prompt, answer, error, attempts,
        )  # fmt: skip


@dataclass(frozen=True)
class _Loaded:
    model: Any
    tokenizer: Any
    max_tokens: int

    def tokens(self, request: JudgeRequest) -> list[int]:
        """The prompt by the model's chat template; without one, system and user text as paragraphs."""
        if self.tokenizer.chat_template:
            messages = [{"role": "system", "content": request.system}] if request.system else []
            messages.append({"role": "user", "content": request.prompt})
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        text = "\n\n".join(part for part in (request.system, request.prompt) if part) + "\n\nAnswer: "
        return list(self.tokenizer(text)["input_ids"])

    def answers(self, prompts: list[list[int]], max_tokens: int) -> list[tuple[str, int, bool]]:
        """Text, number of tokens and whether it came to its end, for each prompt, which are padded on the left."""
        import torch

        longest = max(map(len, prompts))
        pads = [[self._pad] * (longest - len(one)) for one in prompts]
        inputs = torch.tensor([pad + one for pad, one in zip(pads, prompts, strict=True)], device=self.model.device)
        mask = torch.tensor(
            [[0] * len(pad) + [1] * len(one) for pad, one in zip(pads, prompts, strict=True)], device=self.model.device
        )
        with torch.inference_mode():
            found = self.model.generate(
                inputs, attention_mask=mask, max_new_tokens=max_tokens, do_sample=False, num_beams=1,
                temperature=None, top_p=None, top_k=None, pad_token_id=self._pad,
            )  # fmt: skip
        return [self._read(row) for row in found[:, longest:].tolist()]

    def _read(self, tokens: list[int]) -> tuple[str, int, bool]:
        end = next((place for place, token in enumerate(tokens) if token in self._ends), None)
        tokens = tokens if end is None else tokens[:end]
        text = str(self.tokenizer.decode(tokens, skip_special_tokens=True)).strip()
        return text, len(tokens), end is not None

    @property
    def _ends(self) -> set[int]:
        ends = self.model.generation_config.eos_token_id
        if ends is None:
            ends = self.tokenizer.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends} - {None}

    @property
    def _pad(self) -> int:
        given = self.tokenizer.pad_token_id
        return int(min(self._ends, default=0) if given is None else given)


@lru_cache(maxsize=4)
def _identity(folder: str) -> str:
    """Digest over the files that decide what the model says, without the path.

    Of a large file 64 KiB are read at 64 places, for to read all of a model for its name would take minutes.
    """
    path, digest = Path(folder), hashlib.sha256()
    for file in sorted(file for file in path.glob("*") if file.suffix in _DECIDING):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\n".encode())
        with file.open("rb") as stream:
            for start in range(0, size, max(_PIECE, size // 64)):
                stream.seek(start)
                digest.update(stream.read(_PIECE))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _loaded(folder: str) -> _Loaded:
    path = Path(folder)
    if not (path / "config.json").is_file():
        raise LocalModelError(f"no model in {folder}: it has no config.json; name the folder of a Hugging Face model")
    if not any(path.glob("*.safetensors")):
        raise LocalModelError(f"{folder} has no *.safetensors; convert the weights to safetensors")
    try:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as fault:
        raise LocalModelError(
            f"a local judge needs transformers and torch ({fault}): install neo-assets[train]"
        ) from None
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        kind = torch.bfloat16 if torch.cuda.is_available() else torch.float32
        found: Any = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, dtype=kind, output_loading_info=True, **safe
        )
    except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as fault:
        raise LocalModelError(f"the model in {folder} cannot be loaded: {fault}") from None
    model, loading = found
    if missing := sorted(loading["missing_keys"]):
        raise LocalModelError(f"the model in {folder} lacks {len(missing)} weights, among them {missing[0]}")
    model.train(False)
    if torch.cuda.is_available():
        model.to("cuda")
    return _Loaded(model, tokenizer, int(getattr(model.config, "max_position_embeddings", None) or 1 << 30))


def _checked(found: Judgement, request_id: str, attempts: int, check: Check | None) -> Judgement:
    return checked(replace(found, id=request_id, attempts=attempts), check)
