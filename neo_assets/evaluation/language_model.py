"""Any function from ids to logits behind lm-evaluation-harness' interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from lm_eval.api.model import TemplateLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
from sentencepiece import SentencePieceProcessor

Logits = Callable[[torch.Tensor], torch.Tensor]
Request = tuple[Any, list[int], list[int]]
Score = tuple[float, bool]


class LogitsLM(TemplateLM):  # type: ignore[misc]
    """Log-likelihoods and greedy text of a causal model.

    Every text is preceded by the end-of-document id, which is what a document's first token follows in training.
    """

    tokenizer_name = "sentencepiece"

    def __init__(
        self, logits: Logits, pieces: SentencePieceProcessor, eod_id: int, max_length: int, batch_sequences: int
    ) -> None:
        super().__init__()
        self.logits, self.pieces, self.eod_id = logits, pieces, eod_id
        self.max_length, self.batch_sequences = max_length, batch_sequences

    @property
    def eot_token_id(self) -> int:
        """The id that ends a document."""
        return self.eod_id

    @property
    def prefix_token_id(self) -> int:
        """The id before a text without context."""
        return self.eod_id

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """Ids of a text, nothing added."""
        return list(self.pieces.encode(string))

    def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> list[Score]:
        """Scores of (context, continuation) pairs; the harness' own progress bars would only fill logs."""
        return list(super().loglikelihood(requests, disable_tqdm=True))

    @torch.inference_mode()
    def _logits(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        longest = max(map(len, rows))  # right padding cannot be seen under causal attention
        ids = torch.tensor([[*row, *[self.eod_id] * (longest - len(row))] for row in rows])
        return self.logits(ids)

    def _loglikelihood_tokens(
        self, requests: Sequence[Request], disable_tqdm: bool = False, **kwargs: Any
    ) -> list[Score]:
        scores: dict[int, Score] = {}
        longest_first = sorted(range(len(requests)), key=lambda i: (-len(requests[i][1]) - len(requests[i][2]), i))
        for begin in range(0, len(requests), self.batch_sequences):
            batch = longest_first[begin : begin + self.batch_sequences]
            rows = [(requests[i][1] + requests[i][2])[-(self.max_length + 1) :] for i in batch]
            for i, row, logits in zip(batch, rows, self._logits([row[:-1] for row in rows]), strict=True):
                scores[i] = self._score(logits, row, requests[i][2])
                if requests[i][0] is not None:
                    self.cache_hook.add_partial("loglikelihood", requests[i][0], scores[i])
        return [scores[i] for i in range(len(requests))]

    @staticmethod
    def _score(logits: torch.Tensor, row: Sequence[int], continuation: Sequence[int]) -> Score:
        end = len(row) - 1
        wanted = torch.tensor(row[len(row) - min(len(continuation), end) :])
        chosen = logits[end - len(wanted) : end].log_softmax(-1)
        likelihood = chosen.gather(-1, wanted[:, None]).double().sum().item()
        return likelihood, bool((chosen.argmax(-1) == wanted).all())

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Log-likelihood of whole texts, in windows of the model's context; all texts go through in common batches."""
        windows: list[Request] = []
        owners: list[int] = []
        for owner, (text,) in enumerate(request.args for request in requests):
            parts = get_rolling_token_windows(self.tok_encode(text), self.prefix_token_id, self.max_length, 1)
            disjoint = [(None, *make_disjoint_window(part)) for part in parts]
            windows += disjoint
            owners += [owner] * len(disjoint)
        totals = [0.0] * len(requests)
        for owner, (likelihood, _) in zip(owners, self._loglikelihood_tokens(windows), strict=True):
            totals[owner] += likelihood
        return totals

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Greedy continuations, each up to a stop text, the end of the document or `max_gen_toks` tokens."""
        return [self._generate(context, settings) for context, settings in (request.args for request in requests)]

    def _generate(self, context: str, settings: dict[str, Any]) -> str:
        ids = self.tok_encode(context) or [self.prefix_token_id]
        start, stops = len(ids), list(settings.get("until") or [])
        for _ in range(int(settings.get("max_gen_toks", 64))):
            best = int(self._logits([ids[-self.max_length :]])[0, -1].argmax().item())
            if best == self.eod_id:
                break
            ids.append(best)
            if any(stop in self._text(ids[start:]) for stop in stops):
                break
        text = self._text(ids[start:])
        for stop in stops:
            text = text.split(stop)[0]
        return text

    def _text(self, ids: Sequence[int]) -> str:
        return str(self.pieces.decode([id_ for id_ in ids if id_ < self.pieces.vocab_size()]))
