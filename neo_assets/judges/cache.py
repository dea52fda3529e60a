"""Answers on disk under the digest of their question, so that a second run pays only for what is missing."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from neo_assets.judges.model import Judgement, JudgeRequest

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TYPES = {"text": str, "raw": str, "model": str, "prompt_tokens": int, "answer_tokens": int}


@dataclass(frozen=True)
class AnswerCache:
    """A folder of answers; several processes may share it. Failed judgements are never stored."""

    folder: Path

    def get(self, digest: str, request: JudgeRequest, judge: str, model: str) -> Judgement | None:
        """The stored judgement, or null where there is none or its file is damaged."""
        try:
            stored = json.loads(self._path(digest).read_text(encoding="utf-8"))
            if stored["digest"] != digest or not all(type(stored[key]) is kind for key, kind in _TYPES.items()):
                return None
            return Judgement(
                request.id, digest, judge, model, request.version, stored["text"], stored["raw"],
                stored["prompt_tokens"], stored["answer_tokens"], None, 0,
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, judgement: Judgement) -> None:
        """Stores an answer in one atomic step; what is stored already is written over by its equal."""
        if judgement.error is not None:
            return
        path = self._path(judgement.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        row = {"digest": judgement.digest, **{key: getattr(judgement, key) for key in _TYPES}}
        partial = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            partial.write_text(json.dumps(row, ensure_ascii=True, sort_keys=True), encoding="utf-8")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"no digest: {digest!r}")
        return self.folder / digest[:2] / f"{digest[2:]}.json"
