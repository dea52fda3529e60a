"""A deterministic local function behind the protocol of judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from neo_assets.judges.model import Check, EmbeddedJudge, Judgement, JudgeRequest


@dataclass(frozen=True)
class Embedded:
    """An `EmbeddedJudge` as a `Judge`."""

    function: EmbeddedJudge

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.name

    @property
    def model(self) -> str:
        """Name and version: what answers are stored under."""
        return f"{self.function.name}-{self.function.version}"

    def ask(self, requests: Iterable[JudgeRequest], check: Check | None = None) -> Iterator[Judgement]:
        """One judgement a request, in their order."""
        for request in requests:
            text, error = None, None
            try:
                text = self.function.answer(request)
                if check is not None:
                    check(text)
            except ValueError as fault:
                text, error = None, f"refused: {fault}"
            digest = request.digest("embedded", self.model, {})
            yield Judgement(
                request.id, digest, self.name, self.model, request.version, text, text or "", 0, 0, error, 1
            )  # fmt: skip
