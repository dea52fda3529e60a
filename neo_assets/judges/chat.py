"""A judge behind an OpenAI-compatible server: bounded, patient, and asked nothing twice."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from neo_assets.judges.cache import AnswerCache
from neo_assets.judges.model import Check, Judgement, JudgeRequest, checked
from neo_assets.judges.settings import ChatSettings
from neo_assets.judges.transport import AskError, Transport

MAX_RAW = 20_000
"""Characters of an answer that are kept as it came."""


@dataclass
class ChatJudge:
    """Asks `settings.model`; `cache` is where answers are kept, null for nowhere.

    The budget is that of the object: a second `ask` goes on with what is left. Keys come from the environment at
    every request and are in no record, log or representation.
    """

    settings: ChatSettings
    cache: AnswerCache | None = None
    wait: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        self._transport = Transport(self.settings)
        self._lock = threading.Lock()
        self._left = self.settings.max_requests
        self._failed = 0
        self._free_at = 0.0

    @property
    def name(self) -> str:
        """Of the kind of judge."""
        return "chat"

    @property
    def model(self) -> str:
        """Which model answers."""
        return self.settings.model

    @property
    def requests_left(self) -> int:
        """HTTP requests that the budget still allows."""
        return self._left

    def ask(self, requests: Iterable[JudgeRequest], check: Check | None = None) -> Iterator[Judgement]:
        """One judgement a request, in their order, at most a few times `threads` requests ahead of the reader.

        Requests of equal content that are under way together are asked once.
        """
        waiting: deque[tuple[JudgeRequest, Future[Judgement], bool]] = deque()
        under_way: dict[str, Future[Judgement]] = {}
        coming = iter(requests)
        with ThreadPoolExecutor(self.settings.threads, thread_name_prefix="judge") as threads:
            try:
                while True:
                    for request in islice(coming, self.settings.threads * 4 - len(waiting)):
                        digest = request.digest(self.name, self.model, self.settings.parameters)
                        first = digest not in under_way
                        if first:
                            under_way[digest] = threads.submit(self._judge, request, digest, check)
                        waiting.append((request, under_way[digest], first))
                    if not waiting:
                        return
                    request, future, first = waiting.popleft()
                    found = future.result()
                    if not any(other is future for _, other, _ in waiting):
                        under_way.pop(found.digest, None)
                    yield found if first else replace(found, id=request.id, attempts=0)
            finally:
                for _, future, _ in waiting:
                    future.cancel()

    def _judge(self, request: JudgeRequest, digest: str, check: Check | None) -> Judgement:
        if self.cache is not None:
            stored = self.cache.get(digest, request, self.name, self.model)
            if stored is not None:
                return checked(stored, check)
        found = self._asked(request, digest)
        if self.cache is not None:
            self.cache.put(found)
        return checked(found, check)

    def _asked(self, request: JudgeRequest, digest: str) -> Judgement:
        attempts, fault = 0, AskError("budget: no request is left; raise max_requests and run again", False)
        while attempts < self.settings.max_attempts and self._may_ask():
            self._rest()
            attempts += 1
            try:
                answer = _read(self._transport.send(self._body(request)))
            except AskError as error:
                fault = error
                if not error.again:
                    break
                self._slow_down(error, attempts)
                continue
            self._note(answered=True)
            return Judgement(
                request.id, digest, self.name, self.model, request.version, answer.text, answer.raw,
                answer.prompt_tokens, answer.answer_tokens, None, attempts,
            )  # fmt: skip
        if not attempts and self._failed >= self.settings.give_up_after:
            fault = AskError(
                "unavailable: the judge failed too often in a row; see the errors before, run again", False
            )
        self._note(answered=not (attempts and fault.again))
        raw = fault.body[:MAX_RAW]
        return Judgement(
            request.id, digest, self.name, self.model, request.version, None, raw, 0, 0, str(fault), attempts
        )  # fmt: skip

    def _body(self, request: JudgeRequest) -> dict[str, Any]:
        messages = [{"role": "system", "content": request.system}] if request.system else []
        messages.append({"role": "user", "content": request.prompt})
        return {"model": self.model, "messages": messages, "stream": False, **self.settings.parameters}

    def _may_ask(self) -> bool:
        """Takes one request from the budget, if there is one and the server is not given up."""
        with self._lock:
            if self._left <= 0 or self._failed >= self.settings.give_up_after:
                return False
            self._left -= 1
            return True

    def _note(self, answered: bool) -> None:
        with self._lock:
            self._failed = (
                0 if answered and self._failed < self.settings.give_up_after else self._failed + (not answered)
            )

    def _slow_down(self, fault: AskError, attempts: int) -> None:
        """Waits before the next attempt; a wait that the server asked for holds for all threads."""
        if attempts >= self.settings.max_attempts:
            return
        seconds = self.settings.first_wait_seconds * 2 ** (attempts - 1) if fault.wait is None else fault.wait
        seconds = min(seconds, self.settings.max_wait_seconds)
        if fault.wait is None:
            self.wait(seconds)
            return
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic() + seconds)

    def _rest(self) -> None:
        with self._lock:
            seconds = self._free_at - time.monotonic()
        if seconds > 0:
            self.wait(seconds)


@dataclass(frozen=True)
class _Answer:
    text: str
    raw: str
    prompt_tokens: int
    answer_tokens: int


def _read(raw: str) -> _Answer:
    """What a chat completion says.

    Raises:
        AskError: it is none, or was cut off.
    """
    try:
        answer = json.loads(raw)
        choice = answer["choices"][0]
        text = choice["message"]["content"]
        usage = answer.get("usage") or {}
        counts = [usage.get(key) or 0 for key in ("prompt_tokens", "completion_tokens")]
        if not isinstance(text, str) or not all(type(one) is int and one >= 0 for one in counts):
            raise TypeError("no text")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as fault:
        raise AskError("malformed: the answer is no chat completion", True, body=raw) from fault
    if choice.get("finish_reason") == "length":
        raise AskError("malformed: the answer was cut off; raise max_answer_tokens", False, body=raw)
    return _Answer(text, raw[:MAX_RAW], *counts)
