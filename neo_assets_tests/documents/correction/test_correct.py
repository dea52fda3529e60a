from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.correction import CHANGE_SCHEMA, chat_judge, correct
from neo_assets.documents.correction.correct import MAX_CHARACTERS, rows
from neo_assets.documents.correction.limits import changed_share, edit_distance, refusal
from neo_assets.documents.correction.prompt import CLOSING, OPENING, VERSION, answered, prompt
from neo_assets.documents.correction.shift import Shift
from neo_assets.documents.model import Block, Box, Place
from neo_assets.judges.embedded import Embedded
from neo_assets.judges.model import JudgeRequest
from neo_assets.recipe.documents import CorrectionSettings

SETTINGS = CorrectionSettings(endpoint="http://127.0.0.1:1/v1", model="small")
HERE = Box(1, 2, 3, 4)


@dataclass
class Scripted:
    """Answers by the text of the block."""

    answers: dict[str, str]
    name: str = "scripted"
    version: str = "1"
    asked: list[str] = field(default_factory=list)

    def answer(self, request: JudgeRequest) -> str:
        text = answered(request.prompt)
        self.asked.append(text)
        if text not in self.answers:
            raise ValueError("does not know")
        return prompt(self.answers[text])


def document(*texts: str, score: float = 0.5, kind: str = "text") -> tuple[str, list[Block]]:
    markdown, blocks = "", []
    for text in texts:
        markdown += "\n\n" if markdown else ""
        half = len(text) // 2
        places = (Place(0, half, 1, HERE), Place(half, len(text), 2, HERE))
        blocks.append(Block(kind, 0, len(markdown), len(markdown) + len(text), "ocr", score, places))
        markdown += text
    return markdown + "\n", blocks


def run(answers: dict[str, str], markdown: str, blocks: list[Block]):
    scripted = Scripted(answers)
    return correct("doc", markdown, blocks, Embedded(scripted), SETTINGS), scripted.asked


def test_a_correction_is_taken_and_stored():
    markdown, blocks = document(
        "Teh quick br0wn fox".replace("0", "o"), "It jumps ouer the lazy dog.", "Fine as it is."
    )
    found, asked = run(
        {
            "Teh quick brown fox": "The quick brown fox",
            "It jumps ouer the lazy dog.": "It jumps right over the lazy dog.",
            "Fine as it is.": "Fine as it is.",
        },
        markdown, blocks,
    )  # fmt: skip
    assert len(asked) == 3
    assert found.markdown == "The quick brown fox\n\nIt jumps ouer the lazy dog.\n\nFine as it is.\n"
    first, second, third = found.changes
    assert first.accepted and first.reason is None
    assert first.diff == "--- recognised\n+++ corrected\n@@ -1 +1 @@\n-Teh quick brown fox\n+The quick brown fox"
    assert not second.accepted and second.reason == "the answer changes 21.2%, more than 20.0%"
    assert second.after == "It jumps right over the lazy dog." and second.diff
    assert (third.accepted, third.reason, third.diff) == (False, None, "")
    assert {one.version for one in found.changes} == {VERSION}
    assert rows(found.changes).schema == CHANGE_SCHEMA and rows(found.changes).num_rows == 3


def test_offsets_and_places_follow_the_text():
    markdown, blocks = document("I recieve helo", "second", "thrd one here")
    found, _ = run(
        {"I recieve helo": "I receive hello", "second": "second", "thrd one here": "third one here"}, markdown, blocks
    )
    assert [found.markdown[one.start : one.end] for one in found.blocks] == [
        "I receive hello",
        "second",
        "third one here",
    ]
    for block in found.blocks:
        length = block.end - block.start
        assert block.places[0].start == 0 and block.places[-1].end == length
        assert block.places[0].end == block.places[1].start
    assert found.markdown[found.blocks[2].start :][found.blocks[2].places[1].start :] == "ne here\n"


@pytest.mark.parametrize(
    "change",
    [
        {"source": "layer"}, {"score": 0.9}, {"score": 0.95}, {"kind": "table"}, {"kind": "equation"}, {"kind": "code"},
        {"kind": "figure"}, {"source": "none"},
    ],
)  # fmt: skip
def test_other_blocks_are_not_sent(change):
    markdown, blocks = document("some text")
    found, asked = run({"some text": "same text"}, markdown, [replace(blocks[0], **change)])
    assert asked == [] and found.changes == () and found.markdown == markdown


def test_failures_leave_the_text_and_say_why():
    long = "a" * (MAX_CHARACTERS + 1)
    markdown, blocks = document("unknown text", long, "hello wrld")
    found, asked = run({"hello wrld": "hello world"}, markdown, blocks)
    assert long not in asked
    assert [one.reason for one in found.changes] == [
        "refused: does not know", f"the block has more than {MAX_CHARACTERS} characters", None,
    ]  # fmt: skip
    assert found.markdown == markdown.replace("wrld", "world")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("It cost 1,250 dollars", "It cost 1.250 dollars", "numbers"),
        ("in the year l998 it was", "in the year 1998 it was", "numbers"),
        ("第3章 计箕机", "第8章 计算机", "numbers"),
        ("## A headirg here", "# A heading here", "Markdown"),
        ("- an itern here", "an item here", "Markdown"),
        ("see **bold** tex", "see bold text", "Markdown"),
        ("one line\nand anothr", "one line and another", "line breaks"),
        ("see http://a.example/x now", "see http://a.exomple/x now", "addresses"),
        ("some text", "  ", "empty"),
        ("some text", "some\x00text", "control"),
        ("some text", "some te\ufffdt", "control"),
        ("some text and more", f"some text {OPENING}", "marks of the question"),
        ("这是一段中文文字。", "This is some Chinese text.", "changes"),
    ],
)
def test_what_a_correction_may_not_do(before, after, reason):
    assert reason in (refusal(before, after, 0.2) or "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("计箕机科学与技术学院", "计算机科学与技术学院"),
        ("the re sult of 3.5 %", "the result of 3.5 %"),
        ("# Tltle", "# Title"),
    ],
)
def test_what_a_correction_may_do(before, after):
    assert refusal(before, after, 0.2) is None


def naive(left: str, right: str) -> int:
    if not left or not right:
        return len(left) + len(right)
    return min(
        naive(left[1:], right) + 1, naive(left, right[1:]) + 1, naive(left[1:], right[1:]) + (left[0] != right[0])
    )


@given(st.text("abc中", max_size=5), st.text("abc中", max_size=5))
def test_the_edit_distance_is_levenshteins(left, right):
    assert edit_distance(left, right) == naive(left, right)
    assert 0 <= changed_share(left, right) <= 1


@given(st.text(max_size=60), st.text(max_size=60))
def test_shifted_positions_are_monotone_and_end_at_the_ends(before, after):
    shift = Shift.between(before, after)
    found = [shift.at(position) for position in range(len(before) + 1)]
    assert found == sorted(found)
    assert found[-1] == len(after) and all(0 <= one <= len(after) for one in found)
    if before and after and before[0] == after[0]:
        assert found[0] == 0


@given(
    st.lists(
        st.tuples(st.text("abcd ", min_size=1, max_size=12), st.text("abcd ", min_size=1, max_size=12)), max_size=6
    )
)
def test_blocks_always_cover_their_own_text(pairs):
    markdown, blocks = document(*(before for before, _ in pairs))
    answers = dict(pairs)
    found, _ = run(answers, markdown, blocks)
    for number, (block, (before, _)) in enumerate(zip(found.blocks, pairs, strict=True)):
        accepted = any(one.block == number and one.accepted for one in found.changes)
        assert found.markdown[block.start : block.end] == (answered(prompt(answers[before])) if accepted else before)
    outside = found.markdown
    for block in reversed(found.blocks):
        outside = outside[: block.start] + outside[block.end :]
    assert outside.replace("\n", "") == ""


def test_marks_around_the_answer_may_be_missing():
    assert (
        answered("plain")
        == answered(f"{OPENING}\nplain\n{CLOSING}")
        == answered(f"Sure!\n{OPENING}\nplain\n{CLOSING}\n")
        == "plain"
    )


def test_blocks_that_overlap_are_refused():
    markdown, blocks = document("one", "two")
    with pytest.raises(ValueError, match="apart"):
        run({}, markdown, [blocks[0], replace(blocks[1], start=1)])


def test_the_server_is_the_settings(tmp_path):
    judge = chat_judge(SETTINGS, tmp_path)
    assert (judge.settings.url, judge.model, judge.requests_left) == (
        "http://127.0.0.1:1/v1/chat/completions",
        "small",
        1000,
    )
