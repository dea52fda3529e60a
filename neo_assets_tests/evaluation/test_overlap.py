from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.evaluation.overlap import before_and_after, seen_shares, seen_table


def item(probe: str) -> dict[str, str]:
    return {"probe": probe}


def test_seen_partly_seen_and_unseen_items() -> None:
    text = "落霞與孤鶩齊飛，秋水共長天一色。漁舟唱晚，響窮彭蠡之濱"
    tasks = {
        "whole": [item(text)],
        "wrapped": [item(text[:14] + "\n  " + text[14:])],
        "none": [item("The quick brown fox jumps over the lazy dog")],
        "half": [item(text), item("The quick brown fox jumps over the lazy dog")],
        "short": [item("孤鶩齊飛"), item("孤鶩不飛")],
        "mostly_new": [item(text[:14] + "The quick brown fox jumps over the lazy dog")],
    }
    assert seen_shares(tasks, ["other text entirely", f"before {text} after"]) == {
        "whole": 1.0,
        "wrapped": 1.0,
        "none": 0.0,
        "half": 0.5,
        "short": 0.5,
        "mostly_new": 0.0,
    }


def test_punctuation_width_and_case_are_not_compared() -> None:
    probe = "第一条　为了保护ＡＢＣ，制定本法；The Quick"
    assert seen_shares({"t": [item(probe)]}, ["第一条 为了保护abc,制定本法;\nthe quick"]) == {"t": 1.0}
    assert seen_shares({"t": [item(probe)]}, ["第一条 为了保护abd,规定本法;\nthe slow"]) == {"t": 0.0}


def test_the_table_tells_before_and_after() -> None:
    tasks = {"t": [item("落霞與孤鶩齊飛，秋水共長天一色"), item("漁舟唱晚，響窮彭蠡之濱")]}
    texts = ["落霞與孤鶩齊飛，秋水共長天一色。漁舟唱晚，響窮彭蠡之濱"]
    table = seen_table(tasks, [texts[0][:16]], texts)
    assert table.to_pylist() == [{"task": "t", "items": 2, "seen_share": 0.5, "seen_share_before": 1.0}]
    assert before_and_after(table).to_pylist() == [
        {"task": "t", "corpus": "before", "seen_share": 1.0},
        {"task": "t", "corpus": "decontaminated", "seen_share": 0.5},
    ]


def test_nothing_to_compare() -> None:
    assert seen_shares({"a": []}, ["text"]) == {"a": 0.0}
    assert seen_shares({"a": [item("probe probe probe")]}, []) == {"a": 0.0}


@given(
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_a_probe_inside_a_text_is_always_found(probe: str, before: str, after: str) -> None:
    assert seen_shares({"t": [item(probe)]}, [before + probe + after]) == {"t": 1.0}
