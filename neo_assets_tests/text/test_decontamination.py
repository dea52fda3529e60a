"""Evaluation items in training text: planted ones are found, however they are written; ordinary text is left alone."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.evaluation.tasks import BUILDERS, build_tasks, write_tasks
from neo_assets.recipe.corpus import DecontaminationSettings
from neo_assets.seed import SEED_FOLDER
from neo_assets.text.decontamination import (
    HITS_SCHEMA,
    Decontaminate,
    Items,
    ListHits,
    find_hits,
    passages,
    without,
)
from neo_assets.text.item_index import Weights, build_index, item_forms
from neo_assets_tests.text.batches import check_account, chinese_paragraphs, english_paragraphs

SETTINGS = DecontaminationSettings()

# Written for this test, in the style of C-Eval and MMLU.
CHINESE = [
    "下列关于海洋潮汐成因的说法中，正确的是 A. 月球与太阳的引力共同作用 B. 海底火山喷发 C. 季风推动海水 D. 鱼群洄游",
    "某工厂去年生产自行车三万六千辆，今年计划比去年增产两成五，今年计划生产多少辆？A、四万辆 B、四万五千辆 C、五万辆",
    "唐代诗人王维的“行到水穷处，坐看云起时”出自哪首诗？(A)终南别业 (B)山居秋暝 (C)鹿柴 (D)使至塞上",
    "计算机中采用TCP协议建立连接需要几次握手？A．一次 B．两次 C．三次 D．四次",
]
ENGLISH = [
    "Which of the following best explains why the tides on Earth are highest at new moon? A. The Sun and the Moon pull "
    "along one line B. The oceans expand C. Winds are strongest D. The crust sinks",
    "A train leaves the station at noon and covers ninety miles in the first two hours; how far is it by five o'clock?",
]  # fmt: skip


def index_of(texts: Sequence[str], settings: DecontaminationSettings = SETTINGS, **more: Any) -> Any:
    return build_index({"t": [{"id": str(i), "text": text} for i, text in enumerate(texts)]} | more, settings)


def found(index: Any, text: str) -> set[tuple[str, str]]:
    return {(hit.task, hit.item) for hits in find_hits(index, [text], SETTINGS.least_share).values() for hit in hits}


def disguises(item: str) -> Mapping[str, str]:
    """The item as pages have it."""
    wide = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(0x21, 0x7F))}
    return {
        "as it is": item,
        "options on lines": item.replace(" A", "\nA").replace(" B", "\nB").replace(" C", "\nC").replace(" D", "\nD"),
        "other marks": item.replace("，", ",")
        .replace("？", "?")
        .replace(". ", "、")
        .replace("“", '"')
        .replace("”", '"'),
        "full width": item.translate(wide),
        "upper case": item.upper(),
        "wrapped": "\n".join(item[i : i + 9] for i in range(0, len(item), 9))
        if not item.isascii()
        else item.replace(" ", "\n"),
        "emphasised": item.replace("的", "**的**").replace(" the ", " *the* "),
        "numbered": f"17. {item}\n答案：A",
    }


@pytest.mark.parametrize("item", [*CHINESE, *ENGLISH])
def test_planted_items_are_found_however_written(item: str) -> None:
    index = index_of([*CHINESE, *ENGLISH])
    place = [*CHINESE, *ENGLISH].index(item)
    host = "\n".join(chinese_paragraphs()[:3] + english_paragraphs()[:2])
    assert found(index, host) == set()
    for name, written in disguises(item).items():
        assert found(index, f"{host}\n{written}\n{host}") == {("t", str(place))}, name


def test_one_line_items_have_as_many_windows_as_those_of_five_lines() -> None:
    for item in (*CHINESE, *ENGLISH):
        lines = disguises(item)["options on lines"]
        one, five = index_of([item]), index_of([lines])
        assert one.form_windows.tolist() == five.form_windows.tolist()
        # Where whitespace makes the tokens, the Chinese ones have five or six of them and no window.
        assert one.form_windows[0] >= 8
        keyed = {"id": "0", "question": "…", "A": "1"}
        assert item_forms(keyed) == ["…\n1"]


def test_an_item_without_its_options_or_with_them_shuffled_is_found() -> None:
    index = build_index(
        {"ceval": [{"id": "7", "question": "我国现行宪法规定，全国人民代表大会每届任期是多少年，由谁决定是否推迟选举？",
                    "A": "四年，由国务院决定推迟选举", "B": "五年，由全国人大常委会决定推迟选举", "C": "三年",
                    "D": "六年", "answer": "B"}]}, SETTINGS,
    )  # fmt: skip
    question = "我国现行宪法规定，全国人民代表大会每届任期是多少年，由谁决定是否推迟选举？"
    assert found(index, question) == {("ceval", "7")}
    assert found(index, question + "A.六年 B.三年 C.五年，由全国人大常委会决定推迟选举") == {("ceval", "7")}
    assert found(index, question + "五年，由全国人大常委会决定推迟选举") == {("ceval", "7")}
    assert found(index, "全国人民代表大会每届任期五年，届满的两个月以前必须完成下届代表的选举。") == set()


def test_short_items_are_looked_for_whole_and_too_short_ones_are_named() -> None:
    index = index_of(["床前明月光\n疑是地上霜", "to be or not to be that is", "是的", "good morning", ""])
    assert [item for _, item in index.too_short] == ["2", "3", "4"]
    assert found(index, "李白写道：“床前明月光，疑是地上霜。”") == {("t", "0")}
    assert found(index, "床前明月光，疑是天上霜") == set()
    assert found(index, "To be, or not to be: that is the question") == {("t", "1")}


def test_a_common_phrase_in_an_item_makes_no_document_contaminated() -> None:
    licence = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and"
    formula = "违反本法规定，构成犯罪的，依法追究刑事责任；尚不构成犯罪的，依法给予行政处罚"
    body = " ".join(f"word{i}" for i in range(100))
    law = "".join(chr(0x4E00 + 7 * i) for i in range(200))
    index = index_of([f"{licence} {body}", formula + law])
    assert found(index, f"{licence} something else entirely") == set()
    assert found(index, f"第九条 {formula}。第十条 其他规定。") == set()
    assert found(index, f"x {body}") == {("t", "0")}
    assert found(index, law) == {("t", "1")}


@pytest.fixture(scope="module")
def tasks() -> dict[str, list[dict[str, Any]]]:
    return build_tasks(SEED_FOLDER, list(BUILDERS), 40, seed=42)


def test_false_hits_on_text_that_no_item_is_from(tasks: dict[str, list[dict[str, Any]]]) -> None:
    """Items of poems, sayings, code and a held-out chapter against statutes and a novel: nothing is found."""
    names = ("zh_poem_line", "zh_xiehouyu", "code_held_out", "zh_held_out")
    index = build_index({name: tasks[name] for name in names}, SETTINGS)
    assert index.too_short == ()
    texts = chinese_paragraphs() + english_paragraphs()
    assert sum(map(len, texts)) > 200_000
    assert find_hits(index, texts, SETTINGS.least_share) == {}


def test_items_made_from_training_text_are_found_and_cut(tasks: dict[str, list[dict[str, Any]]]) -> None:
    laws = [json.loads(line)["text"] for line in (SEED_FOLDER / "text/laws.zh.jsonl").read_text().splitlines()]
    index = build_index({"zh_law_title": tasks["zh_law_title"]}, SETTINGS)
    hits = find_hits(index, laws, SETTINGS.least_share)
    assert {hit.item for of_text in hits.values() for hit in of_text} == {i["id"] for i in tasks["zh_law_title"]}
    left = [
        without(law, passages(law, [span for hit in hits.get(place, []) for span in hit.spans]))
        for place, law in enumerate(laws)
    ]
    assert find_hits(index, left, SETTINGS.least_share) == {}
    assert sum(map(len, left)) > 0.97 * sum(map(len, laws))


def naive_hits(item: str, text: str, settings: DecontaminationSettings) -> bool:
    """Whether one window of an item is in the text, both as lists of words and characters."""

    def tokens(of: str) -> list[str]:
        words: list[str] = []
        joined = False
        for character in of.lower():
            han = "\u4e00" <= character <= "\u9fff"
            if character.isalnum() and not han and joined:
                words[-1] += character
            elif character.isalnum():
                words.append(character)
            joined = character.isalnum() and not han
        return words

    def weight(of: Sequence[str]) -> int:
        weights = Weights.of(settings)
        return sum(weights.character if "\u4e00" <= token[0] <= "\u9fff" else weights.word for token in of)

    wanted, there, weights = tokens(item), tokens(text), Weights.of(settings)
    ends = ((i, j) for i in range(len(wanted)) for j in range(i + 1, len(wanted) + 1))
    windows = {}
    for i, j in ends:
        if i not in windows and weight(wanted[i:j]) >= weights.window:
            windows[i] = wanted[i:j]
    if not windows and weight(wanted) >= weights.anchor:
        windows[0] = wanted
    return any(there[k : k + len(w)] == w for w in windows.values() for k in range(len(there)))


LETTERS = st.text(st.sampled_from("ab 法律,。\n第x"), max_size=40)


@given(LETTERS, LETTERS, LETTERS, st.booleans())
def test_the_scan_equals_a_naive_search(item: str, before: str, after: str, planted: bool) -> None:
    settings = DecontaminationSettings(window_words=4, window_characters=6, least_share=1e-9)
    text = f"{before} {item} {after}" if planted else before + after
    index = index_of([item], settings)
    hits = find_hits(index, [text, ""], settings.least_share)
    assert bool(hits) == naive_hits(item, text, settings)
    for hit in hits.get(0, []):
        assert 0 < hit.share <= 1
        for start, end in hit.spans:
            assert 0 <= start < end <= len(text)
            assert text[start].isalnum() and text[end - 1].isalnum()


@given(st.text(max_size=60), st.data())
def test_cuts_hold_the_spans_and_end_at_sentences_or_lines(text: str, data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from('ab. 。！\n"”字'), max_size=60)) if data.draw(st.booleans()) else text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    [(first, last)] = passages(text, [(start, end)])
    assert 0 <= first <= start <= end <= last <= len(text)
    assert first == 0 or text[first - 1] in ".!?。！？…\n\"'”’)]』」）"
    assert last == len(text) or text[last - 1] in ".!?。！？…\n\"'”’)]』」）" or text[last] == "\n"
    assert without(text, [(first, last)]) == text[:first] + text[last:]


def batch_of(texts: Sequence[str]) -> pa.RecordBatch:
    ids = [f"s:{i}" for i in range(len(texts))]
    columns = {"doc_id": ids, "url": ids, "subset": ["x"] * len(texts), "text": texts}
    return pa.record_batch({name: pa.array(values, pa.string()) for name, values in columns.items()})


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    folder = tmp_path_factory.mktemp("items")
    write_tasks({"zh": [{"id": "a", "text": CHINESE[0]}], "en": [{"id": "b", "text": ENGLISH[1]}]}, folder)
    return Items(str(folder), ("en", "zh"))


def test_documents_are_rejected_with_the_share_and_the_items(items: Items) -> None:
    batch = batch_of(["干净的文本。", CHINESE[0], f"{ENGLISH[1]} {CHINESE[0]}", ""])
    kernel = pickle.loads(pickle.dumps(Decontaminate(items, SETTINGS)))  # noqa: S301  # what workers get
    judged = kernel(batch)
    check_account(batch, judged)
    assert judged.column("verdict").to_pylist() == ["kept", "rejected", "rejected", "kept"]
    assert judged.column("rule").to_pylist() == [None, "decontamination", "decontamination", None]
    assert judged.column("value").to_pylist() == [None, 1.0, 1.0, None]
    assert judged.column("threshold").to_pylist() == [None, 0.2, 0.2, None]
    assert judged.column("reason").to_pylist()[2] == "holds en b (100%), zh a (100%)"
    assert judged.column("text").equals(batch.column("text"))
    parts = [kernel(batch.slice(i, 1)) for i in range(4)]
    assert pa.Table.from_batches(parts).equals(pa.Table.from_batches([judged]))


def test_passages_are_cut_and_too_little_is_rejected(items: Items) -> None:
    before, after = "第一句在这里。第二句也在这里。", "最后一句。" * 20
    batch = batch_of(
        [f"{before}\n{CHINESE[0]}\n{after}", f"好。{CHINESE[0]}", "干净。", f"A. {ENGLISH[1]} The rest stays."]
    )
    settings = DecontaminationSettings(action="passage", least_characters=10)
    judged = Decontaminate(items, settings)(batch)
    check_account(batch, judged)
    assert judged.column("verdict").to_pylist() == ["kept", "rejected", "kept", "kept"]
    assert judged.column("text").to_pylist() == [f"{before}\n{after}", "好。", "干净。", "A. The rest stays."]
    assert judged.column("rule").to_pylist()[1] == "decontaminated_remainder"
    assert judged.column("value").to_pylist()[1] == 2
    cuts = judged.column("cuts").to_pylist()
    assert [len(row) for row in cuts] == [1, 1, 0, 1]
    for text, row, left in zip(batch.column("text").to_pylist(), cuts, judged.column("text").to_pylist(), strict=True):
        assert without(text, [(cut["start"], cut["end"]) for cut in row]) == left
    assert judged.column("text").to_pylist() == Decontaminate(items, settings)(judged).column("text").to_pylist()


def test_hits_name_item_document_and_place(items: Items) -> None:
    batch = batch_of(["干净的文本。", f"序言。{CHINESE[0]}", ENGLISH[1]])
    table = ListHits(items, SETTINGS)(batch)
    assert table.schema == HITS_SCHEMA
    rows = table.to_pylist()
    assert [(row["doc_id"], row["task"], row["item"], row["share"]) for row in rows] == [
        ("s:1", "zh", "a", 1.0),
        ("s:2", "en", "b", 1.0),
    ]
    for row in rows:
        text = batch.column("text").to_pylist()[int(row["doc_id"][2:])]
        item = CHINESE[0] if row["task"] == "zh" else ENGLISH[1]
        assert text[row["start"] : row["end"]] == item.rstrip("?")
        assert row["matched_chars"] == row["end"] - row["start"]
    assert ListHits(items, SETTINGS)(batch.slice(0, 1)).num_rows == 0


def test_window_lengths_are_of_equal_weight() -> None:
    weights = Weights.of(DecontaminationSettings(window_words=13, window_characters=20, shortest_item=0.5))
    assert (13 * weights.word, 20 * weights.character) == (weights.window, weights.window)
    assert weights.anchor * 2 == weights.window
    # A window of a mixed item: six words and eleven characters weigh as much as 13 words.
    assert 6 * weights.word + 11 * weights.character >= weights.window


def test_no_items_hit_nothing(tmp_path: Path) -> None:
    index = build_index({}, SETTINGS)
    assert (
        find_hits(index, ["some text that is long enough to have several windows of thirteen words in it"], 0.2) == {}
    )
