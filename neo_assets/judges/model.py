"""What a judge is asked and what it answers; the protocols of judges.

A judge is a language model behind a server (`chat.ChatJudge`) or a function in this process (`embedded.Embedded`).
Every request gets exactly one judgement, in the order of the requests, whether it was answered or not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

Check = Callable[[str], None]
"""Looks at an answer's text and raises ValueError where it is not what was asked for."""


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One question about one record."""

    id: str
    """Of the record; only for the asker, the judge does not see it."""
    prompt: str
    system: str = ""
    version: str = "1"
    """Of the wording: another version is another question."""

    def digest(self, judge: str, model: str, parameters: Mapping[str, Any]) -> str:
        """What an answer is stored under: 64 hex digits over all that decides it, and nothing else."""
        what = [judge, model, dict(sorted(parameters.items())), self.version, self.system, self.prompt]
        return sha256(json.dumps(what, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer, or why there is none."""

    id: str
    digest: str
    judge: str
    model: str
    version: str
    text: str | None
    """What the judge said; null exactly where `error` is set."""
    raw: str
    """The whole answer as it came, cut to a bounded length; empty where none came."""
    prompt_tokens: int
    answer_tokens: int
    error: str | None
    """A short sentence that begins with the kind of failure."""
    attempts: int
    """How often the judge was asked in this run; 0 for a stored answer."""

    def row(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def checked(found: Judgement, check: Check | None) -> Judgement:
    """The judgement, failed if its text is refused."""
    if check is None or found.text is None:
        return found
    try:
        check(found.text)
    except ValueError as fault:
        return replace(found, text=None, error=f"refused: {fault}")
    return found


@runtime_checkable
class Judge(Protocol):
    """Somebody who judges records."""

    @property
    def name(self) -> str:
        """Of the kind of judge."""

    @property
    def model(self) -> str:
        """Which model answers."""

    def ask(self, requests: Iterable[JudgeRequest], check: Check | None = None) -> Iterator[Judgement]:
        """One judgement a request, in their order; an answer that `check` refuses is a failed judgement."""


@runtime_checkable
class EmbeddedJudge(Protocol):
    """A deterministic function in this process that judges: the same request has the same answer."""

    @property
    def name(self) -> str:
        """Of the judge."""

    @property
    def version(self) -> str:
        """Of its rules or weights."""

    def answer(self, request: JudgeRequest) -> str:
        """The answer; a ValueError says that it has none."""
