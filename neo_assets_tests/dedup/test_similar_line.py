from __future__ import annotations

import pickle
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.cuts import LINE_CUTS, left
from neo_assets.dedup.similar_line import SimilarLines
from neo_assets.recipe.dedup import SimilarLineSettings
from neo_assets_tests.dedup.test_edit_distance import naive as naive_distance

MATRIX = SimilarLineSettings()
CHOSEN = st.builds(
    SimilarLineSettings,
    proportion=st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.6]) | st.floats(0, 0.6),
    exact_chars=st.integers(0, 20),
    max_length_difference=st.sampled_from([0.05, 0.3, 1.0]),
    min_overlap=st.sampled_from([0.0, 1 / 3, 0.5, 0.9]),
)
PROFILES = st.sampled_from(["corrected", "faithful"])
MARKS = ".!?。！？\\…]】"
SMALL = st.text("ab。\n", max_size=60)
MIXED = st.text("a1字𠮷𠮸 \n\u3000" + MARKS + "[【", max_size=120)
LINES = st.lists(  # variants of few lines, around the width of a word too
    st.tuples(
        st.sampled_from("春夏"),
        st.integers(1, 8) | st.integers(60, 70),
        st.text("冬𠮷x", max_size=3),
        st.sampled_from("。\n…"),
    ),
    max_size=8,
).map(lambda rows: "".join(head * n + tail + end for head, n, tail, end in rows))
TEXTS = SMALL | MIXED | LINES
SENTENCES = st.sampled_from(
    ["他来了。", "他来了！", "一二三四五六七八九十一二三四五六七八九。", "一二三四五六七八九十一二三四五六七八八。"]
) | st.text("甲乙", min_size=1, max_size=25).map(lambda text: text + "。")


def naive_segments(text: str, profile: str) -> list[str]:
    begins, ends = [c in "[【" for c in text], [c in MARKS for c in text]
    if profile == "corrected":
        begins = [b and not (i and text[i - 1] in "[【") for i, b in enumerate(begins)]
        ends = [
            e and text[i + 1 : i + 2] not in tuple(MARKS) and not re.match(r"[.!?\\][A-Za-z0-9]", text[i:])
            for i, e in enumerate(ends)
        ]
    out, now = [], ""
    for c, first, last in zip(text, begins, ends, strict=True):
        if first and now:
            out.append(now)
            now = ""
        now += c
        if last:
            out.append(now)
            now = ""
    return [*out, now] if now else out


def naive_similar(one: str, two: str, chosen: SimilarLineSettings) -> bool:
    short, long = sorted((len(one), len(two)))
    if not abs(len(one) - len(two)) / long < max(chosen.max_length_difference, chosen.proportion):
        return False
    a, b = Counter(one), Counter(two)
    if (a & b).total() / (a | b).total() < chosen.min_overlap:
        return False
    return naive_distance(one, two) <= (0 if short <= chosen.exact_chars else chosen.proportion * long)


def naive(text: str, chosen: SimilarLineSettings, profile: str) -> str:
    """Pair by pair, as the released code goes."""
    segments = naive_segments(text, profile)
    assert "".join(segments) == text
    removed: set[int] = set()
    for i, one in enumerate(segments):
        for j in range(i + 1, len(segments)):
            lettered = all(any(c.isalpha() for c in segment) for segment in (one, segments[j]))
            compared = lettered or profile == "faithful"
            if i not in removed and j not in removed and compared and naive_similar(one, segments[j], chosen):
                removed.add(j)
    out, j = "", 0
    while j < len(segments):
        if j not in removed:
            out += segments[j]
            j += 1
            continue
        run = ""
        while j in removed:
            run += segments[j]
            j += 1
        rest = "".join(segments[j:])
        if profile == "corrected" and rest and "\n" not in rest[: len(rest) - len(rest.lstrip())]:
            found = re.search("\n+", run)
            out += found.group() if found else ""
    return out


def run(
    texts: list[str | None], chosen: SimilarLineSettings = MATRIX, profile: str = "corrected"
) -> list[dict[str, Any]]:
    batch = pa.RecordBatch.from_pydict(
        {"doc_id": [f"d{i}" for i in range(len(texts))], "text": texts, "score": [1] * len(texts)},
        pa.schema([("doc_id", "string"), ("text", "string"), ("score", "int8")]),
    )
    kernel = pickle.loads(pickle.dumps(SimilarLines(chosen, profile)))  # type: ignore[arg-type]  # noqa: S301
    return list(kernel(batch).to_pylist())


def remaining(text: str, chosen: SimilarLineSettings = MATRIX, profile: str = "corrected") -> str:
    return str(run([text], chosen, profile)[0]["text"])


@settings(max_examples=250, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), CHOSEN, PROFILES)
def test_equals_the_pairwise_reference(texts: list[str], chosen: SimilarLineSettings, profile: str) -> None:
    for i, (row, text) in enumerate(zip(run([*texts], chosen, profile), texts, strict=True)):
        assert row["text"] == naive(text, chosen, profile)
        cuts = [(cut["start"], cut["end"]) for cut in row[LINE_CUTS]]
        assert left(text, cuts) == row["text"]
        assert all(0 <= start < end <= len(text) for start, end in cuts)
        assert all(one[1] < two[0] for one, two in pairwise(cuts))
        assert {cut["survivor"] for cut in row[LINE_CUTS]} <= {f"d{i}"}
        assert (row["verdict"], row["score"]) == ("kept", 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(SENTENCES, max_size=10), PROFILES)
def test_a_second_run_finds_nothing_where_all_segments_end_in_a_mark(lines: list[str], profile: str) -> None:
    once = remaining("".join(lines), MATRIX, profile)
    assert remaining(once, MATRIX, profile) == once


@pytest.mark.parametrize("profile", ["corrected", "faithful"])
def test_the_published_limits(profile: str) -> None:
    line = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑。"  # 20 characters: two edits are allowed
    assert len(line) == 20
    for edits, stays in ((1, False), (2, False), (3, True)):
        other = "甲乙丙"[:edits] + line[edits:]
        assert remaining(line + other, MATRIX, profile) == (line + other if stays else line)
    short = "天地玄黄宇宙洪荒日月盈昃辰宿。"  # 15 characters: only equal ones
    assert len(short) == 15
    assert remaining(short + "甲" + short[1:], MATRIX, profile) == short + "甲" + short[1:]
    assert remaining(short + short, MATRIX, profile) == short


@pytest.mark.parametrize(
    ("text", "corrected", "faithful"),
    [
        ("他走了……他想……", "他走了……他想……", "他走了……他想…"),
        ("真的？！是吗？！", "真的？！是吗？！", "真的？！是吗？"),
        ("值为3.5和3.5。", "值为3.5和3.5。", "值为3.5和3.5。"),
        ("1.50 1.50 1.50", "1.50 1.50 1.50", "1.50 1.50"),
        (r"式\alpha\alpha。", r"式\alpha\alpha。", r"式\alpha\alpha。"),
        (r"\alpha\alpha\alpha", r"\alpha\alpha\alpha", r"\alpha\alpha"),
        ("甲。\n乙。\n甲。\n乙。\n丙。", "甲。\n乙。\n甲。\n丙。", "甲。\n乙。\n甲。\n丙。"),
        ("甲。\n乙。\n乙。丙。", "甲。\n乙。\n丙。", "甲。\n乙。丙。"),
        ("甲。\n\n乙。\n\n乙。 丙。", "甲。\n\n乙。\n\n 丙。", "甲。\n\n乙。 丙。"),
        ("甲。\n乙。\n乙。", "甲。\n乙。", "甲。\n乙。"),
        ("[一][一]【二】【二】三", "[一]【二】三", "[一]【二】三"),
        ("[[一]]，[[二]]", "[[一]]，[[二]]", "[[一]]，[二]"),
        ("。 。 。", "。 。 。", "。 。"),
        ("甲。1.乙。1.丙", "甲。1.乙。1.丙", "甲。1.乙。丙"),
    ],
)  # fmt: skip
def test_examples(text: str, corrected: str, faithful: str) -> None:
    assert (remaining(text), remaining(text, MATRIX, "faithful")) == (corrected, faithful)


def test_rows_do_not_depend_on_each_other() -> None:
    texts = ["甲乙。甲乙。", None, "", "甲乙。", "丙[丁丁]丙。[丁丁]"]
    rows = run(texts)
    for i, text in enumerate(texts):
        own = run([text])[0]
        assert {k: v for k, v in rows[i].items() if k not in ("doc_id", LINE_CUTS)} == {
            k: v for k, v in own.items() if k not in ("doc_id", LINE_CUTS)
        }
    assert (rows[1]["verdict"], rows[1][LINE_CUTS], rows[2]["verdict"]) == ("quarantined", [], "kept")
    assert run([]) == []


def test_a_document_left_too_short_is_rejected() -> None:
    row = run(["甲乙。甲乙。甲乙。"], SimilarLineSettings(min_document_chars=5))[0]
    assert (row["verdict"], row["rule"], row["value"], row["threshold"]) == ("rejected", "short_after_lines", 3.0, 5.0)
    assert (row["survivor"], row["text"]) == ("d0", "甲乙。")


def test_long_segments_and_many_segments() -> None:
    long = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(30_000))
    near = long[:100] + "改" * 2_900 + long[3_000:]
    far = long[:100] + "改" * 3_100 + long[3_200:]
    assert remaining(f"{long}。{near}。{far}。") == f"{long}。{far}。"
    many = "".join(f"第{i}行的内容与别的行不同，编号{i * 7919 % 10_007}。" for i in range(3_000))
    assert remaining(many + many, SimilarLineSettings(proportion=0)) == many
