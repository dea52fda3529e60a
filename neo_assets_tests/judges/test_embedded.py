from __future__ import annotations

from dataclasses import dataclass

from neo_assets.judges.embedded import Embedded
from neo_assets.judges.model import EmbeddedJudge, Judge, JudgeRequest


@dataclass(frozen=True)
class Lengths:
    name: str = "lengths"
    version: str = "2"

    def answer(self, request: JudgeRequest) -> str:
        if not request.prompt:
            raise ValueError("nothing to measure")
        return str(len(request.prompt))


def test_a_function_is_a_judge():
    judge = Embedded(Lengths())
    assert isinstance(judge.function, EmbeddedJudge) and isinstance(judge, Judge)
    found = list(judge.ask([JudgeRequest("a", "four"), JudgeRequest("b", ""), JudgeRequest("c", "four")]))
    assert [(one.id, one.text, one.error) for one in found] == [
        ("a", "4", None), ("b", None, "refused: nothing to measure"), ("c", "4", None),
    ]  # fmt: skip
    assert found[0].digest == found[2].digest != found[1].digest
    assert found[0].model == "lengths-2"


def test_a_refused_answer_keeps_what_was_said():
    def check(text: str) -> None:
        raise ValueError("no")

    (found,) = Embedded(Lengths()).ask([JudgeRequest("a", "four")], check)
    assert (found.text, found.error) == (None, "refused: no")
