"""The benchmark of document conversion: its measures, its generator, and that it runs."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.document_truth.metrics import judged
from benchmarks.document_truth.model import Part, TruthBlock, TruthDocument, read_truth
from benchmarks.document_truth.outputs import comparable, taken_apart
from benchmarks.document_truth.parts_alone import formula_distances
from benchmarks.document_truth.reading_order import matched_order, order_score
from benchmarks.document_truth.real import f1, passage
from benchmarks.document_truth.results import Result, quality, results_of, targets
from benchmarks.document_truth.systems import OURS, SYSTEMS, Found, Sent, System, run_all
from benchmarks.document_truth.templates import TEMPLATES, style
from benchmarks.document_truth.texts import SOURCES, Supply, code, hyphenated, material, pieces
from benchmarks.document_truth.writing import write
from benchmarks.peers.environments import Peer

REPOSITORY = Path(__file__).parents[2]
ENGLISH = (
    "It is a truth universally acknowledged, that a single man must be in want of a wife, however little known.",
    "However little known the feelings or views of such a man may be, this truth is so well fixed in the minds.",
    "My dear Mr. Bennet, said his lady to him one day, have you heard that Netherfield Park is let at last?",
    "Mr. Bennet replied that he had not, and made no further answer to the question, which she then repeated.",
)
TABLE = "<table><tr><td>North</td><td>12.5</td></tr><tr><td>South</td><td>99.1</td></tr></table>"


def truth(*blocks: TruthBlock, running: tuple[tuple[str, ...], ...] = ()) -> TruthDocument:
    return TruthDocument("en-x", "en", "novel", 1, "", 1, blocks, running)


def prose() -> TruthDocument:
    texts = [TruthBlock("text", text) for text in ENGLISH]
    return truth(TruthBlock("title", "The first chapter", 2), *texts)


def test_the_truth_itself_is_perfect_and_nothing_is_nothing() -> None:
    known = prose()
    perfect = judged("\n\n".join(block.text for block in known.blocks), known)
    assert (perfect.text, perfect.blocks, perfect.order, perfect.paragraphs) == (1, 1, 1, 1)
    empty = judged("", known)
    assert (empty.text, empty.blocks, empty.order, empty.paragraphs) == (0, 0, 0, 0)


def test_a_split_paragraph_costs_a_paragraph_and_hardly_text() -> None:
    known = prose()
    split = "## The first chapter\n\n" + "\n\n".join(ENGLISH).replace("of such a man", "of such\n\na man")
    scores = judged(split, known)
    assert scores.text == 1
    assert scores.order == 1
    assert scores.paragraphs == pytest.approx(3 / 4)


def test_lines_that_are_not_joined_are_one_paragraph_as_long_as_no_blank_line_is_between() -> None:
    known = prose()
    assert (
        judged("\n\n".join(text.replace(", ", ",\n") for text in ("The first chapter", *ENGLISH)), known).paragraphs
        == 1
    )


def test_swapped_blocks_cost_order() -> None:
    known = prose()
    texts = ["The first chapter", ENGLISH[2], ENGLISH[3], ENGLISH[0], ENGLISH[1]]
    scores = judged("\n\n".join(texts), known)
    # Two of five blocks have to be taken out and put in again: 4 edits of at most 5 … at best 4 by substitution.
    assert scores.order == pytest.approx(1 - 4 / 5)
    assert scores.paragraphs == 1


@given(st.permutations(range(len(ENGLISH))))
def test_whole_blocks_are_matched_in_any_order(order: list[int]) -> None:
    assert matched_order([ENGLISH[place] for place in order], ENGLISH) == list(order)


def test_a_page_in_one_block_has_its_order_found() -> None:
    whole = " ".join((ENGLISH[1], ENGLISH[0], ENGLISH[3]))
    assert matched_order([whole], ENGLISH) == [1, 0, 3]
    assert order_score([" ".join(ENGLISH)], ENGLISH) == 1


def test_lost_blanks_and_wrong_characters_cost_text_in_proportion() -> None:
    known = truth(TruthBlock("text", ENGLISH[0]))
    assert judged(ENGLISH[0].replace(" ", ""), known).text == pytest.approx(
        1 - ENGLISH[0].count(" ") / len(ENGLISH[0])
    )  # fmt: skip
    assert judged(ENGLISH[0].replace("wife", "knife"), known).text == pytest.approx(1 - 2 / (len(ENGLISH[0]) + 1))


def test_tables_formulas_and_footnotes_do_not_count_as_text_wherever_they_stand() -> None:
    known = truth(
        TruthBlock("text", ENGLISH[0]), TruthBlock("table", "North12.5South99.1", html=TABLE),
        TruthBlock("footnote", "1 See the earlier editions of this work."),
        TruthBlock("equation", "a=b+c", latex="a = b + c"),
        TruthBlock("text", ENGLISH[1]),
    )  # fmt: skip
    marked = f"{ENGLISH[0]}\n\n{TABLE}\n\n$$\na=b+c\n$$\n\n{ENGLISH[1]}\n\n[^1]: See the earlier editions of this work."
    plain = f"{ENGLISH[0]}\nNorth 12.5\nSouth 99.1\n1 See the earlier editions of this work.\na=b+c\n{ENGLISH[1]}"
    scores = judged(marked, known)
    assert (scores.text, scores.order, scores.tables, scores.structure, scores.formulas) == (1, 1, 1, 1, 0)
    scores = judged(plain, known)
    assert scores.text == 1
    assert (scores.tables, scores.formulas) == (0, 1)


def test_leakage_counts_running_heads_beyond_the_text_itself() -> None:
    known = truth(
        TruthBlock("title", "Pride and Prejudice", 1), TruthBlock("text", ENGLISH[0]), TruthBlock("text", ENGLISH[1]),
        running=(("Pride and Prejudice", "11"), ("Pride and Prejudice", "12")),
    )  # fmt: skip
    clean = f"# Pride and Prejudice\n\n{ENGLISH[0]}\n\n{ENGLISH[1]}"
    assert judged(clean, known).leakage == 0
    n_running = 2 * len("PrideandPrejudice11")
    assert judged(f"{clean}\n\n12", known).leakage == pytest.approx(2 / n_running)
    within = clean.replace("of a wife", "of Pride and Prejudice a wife")
    assert judged(within, known).leakage == pytest.approx(17 / n_running)
    everything = (
        f"# Pride and Prejudice\n\nPride and Prejudice 11\n\n{ENGLISH[0]}\n\nPride and Prejudice\n\n12\n\n{ENGLISH[1]}"
    )
    assert judged(everything, known).leakage == 1


def test_formulas_are_compared_without_what_does_not_show() -> None:
    output = taken_apart(r"$$ \left( x^{2} \right) \tag{1} $$" + "\n\n" + r"\[ y = z \]")
    assert formula_distances(output, [r"(x^2)", "y=z", "q"]) == [0, 0, 1]


def test_pipe_tables_lists_code_and_pictures_are_taken_apart() -> None:
    output = taken_apart(
        "# Head\nText *goes* [on](http://a.test/x).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n  more\n\n"
        "```py\nx = 1\n\ny = 2\n```\n\n![Figure 1: A cat](a.png)\n\n![image 3](b.png)\n\n<p>last</p>"
    )
    assert output.tables == ("<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>",)
    assert output.blocks == ("Head", "Text goes on.", "one", "two\n  more", "x = 1\n\ny = 2", "Figure 1: A cat", "last")


@given(st.text(max_size=60))
def test_what_is_comparable_stays_so(text: str) -> None:
    once = comparable(text)
    assert "\n" not in once
    assert "  " not in once
    assert judged(text, truth(TruthBlock("text", text))).text in (0.0, 1.0)


@pytest.mark.parametrize("language", SOURCES)
def test_texts_are_many_and_hold_what_the_language_has(language: str) -> None:
    for source in SOURCES[language]:
        found = material(language, source)
        assert len(found.paragraphs) >= 50
        assert not Counter(found.paragraphs).most_common(1)[0][1] > 1
    assert len(material(language, "guide").items) > 50
    assert len(material(language, "guide").headings) > 30
    one, other = Supply(5, language), Supply(5, language)
    first = [one.paragraph("guide") for _ in range(30)]
    assert first == [other.paragraph("guide") for _ in range(30)]
    assert len(set(first)) == 30
    assert [Supply(6, language).paragraph("guide")] != first[:1]


def test_pieces_and_hyphens_lose_nothing() -> None:
    for language in SOURCES:
        for text in material(language, "guide").paragraphs[:50]:
            assert "".join(pieces(text, language)) == text
            assert hyphenated(text).replace("\u00ad", "") == text
    assert "\u00ad" in hyphenated("universally acknowledged")
    assert code(3, 6).count("\n") == 5


def test_the_same_number_writes_the_same_document_and_another_one_another() -> None:
    def written(seed: int) -> list[TruthBlock]:
        return write(style(TEMPLATES[2], "zh", random.Random(seed)), seed, "zh-paper", "题目").blocks

    assert written(3) == written(3)
    assert written(3) != written(4)
    assert {"figure", "footnote", "title", "text"} <= {block.kind for block in written(3)}


def test_truth_survives_its_file(tmp_path: Path) -> None:
    block = TruthBlock("text", "一", parts=(Part(1, ((1.0, 2.0, 3.0, 4.0),)),))
    known = truth(block, running=(("a", "1"), ()))
    known.write(tmp_path / "x.json")
    assert read_truth(tmp_path / "x.json") == known


def test_targets_are_met_or_missed() -> None:
    known = prose()
    text = "\n\n".join(block.text for block in known.blocks)
    sent = [Sent("en-x", "clean", Path("x"), "en", 2), Sent("en-x.scan", "scan", Path("x"), "en", 2)]
    found = [Found(OURS.mode, "en-x", text, 0.2, ""), Found(OURS.mode, "en-x.scan", ENGLISH[3], 9.0, "")]
    results = results_of(found, sent, {"en-x": known})
    assert [(one.kind, one.seconds_a_page) for one in results] == [("clean", 0.1), ("scan", 4.5)]
    table = targets(results, 7, {"clean": 0.96})
    said = {row[0]: row[-1] for row in table.rows}
    assert said["text, clean"] == said["order, clean"] == said["CPU s a page, clean"] == "met"
    assert said["text, scan"] == said["paragraphs, scan"] == said["TEDS of tables alone, clean"] == "**missed**"
    assert said["leakage, clean"] == "not measured"
    assert "development" in table.title
    assert "held-out" in targets(results, 1234).title
    assert Result(OURS.mode, "clean", {}, 1.0).mean("text") is None


def test_a_failure_counts_as_no_text_is_named_and_takes_no_time() -> None:
    known = prose()
    text = "\n\n".join(block.text for block in known.blocks)
    sent = [Sent("en-x", "clean", Path("x"), "en", 2), Sent("zh-x", "clean", Path("x"), "zh", 5)]
    found = [Found("a", "en-x", text, 1.0, ""), Found("a", "zh-x", "", 99.0, "MemoryError: no more")]
    [result] = results_of([*found, Found("b", "en-x", text, 1.0, "")], sent, {"en-x": known, "zh-x": known})
    assert (result.mean("text"), result.mean("text", "zh"), result.seconds_a_page) == (0.5, 0, 0.5)
    table = quality([result], "clean", "")
    assert table.rows[0][-1] == "1 of 2"
    assert table.notes == "- a failed on zh-x: MemoryError: no more"


def test_a_system_that_dies_of_a_document_goes_on_behind_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = tmp_path / "benchmarks" / "peers" / "dying.py"
    adapter.parent.mkdir(parents=True)
    adapter.write_text(
        "import os\nfrom protocol import serve\n"
        "def make(models):\n"
        "    def convert(document):\n"
        "        if document.id == 'b':\n            os._exit(3)\n"
        "        if document.id == 'c':\n            raise ValueError('a bad\\nfile')\n"
        "        return document.language\n"
        "    return convert\n"
        "serve({'dying': make})\n"
    )
    (tmp_path / "protocol.py").write_text((REPOSITORY / "benchmarks/peers/documents_protocol.py").read_text())
    monkeypatch.setattr("benchmarks.document_truth.systems.REPOSITORY", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    sent = [Sent(name, "clean", tmp_path / name, "en", 1) for name in "abcd"]
    found, remarks = run_all([System(Peer("", "", "dying", ""), "dying", ("clean",))], sent, say=False)
    assert [(one.id, one.text) for one in found] == [("a", "en"), ("b", ""), ("c", ""), ("d", "en")]
    assert [one.error for one in found] == ["", "exit status 3: without a word", "ValueError: a bad file", ""]
    assert remarks == []
    absent = System(Peer("", "no such environment", "x", ""), "absent", ("clean",))
    assert run_all([absent], sent, say=False) == ([], ["absent is not installed: left out"])


def test_systems_get_their_kinds_and_the_slow_ones_half() -> None:
    sent = [
        Sent(f"{kind}{half}", kind, Path("x"), "en", 1, bool(half))
        for kind in ("clean", "scan", "lines", "real") for half in (0, 1)
    ]  # fmt: skip
    given = {system.mode: "".join(f"{one.id} " for one in sent if system.gets(one)) for system in SYSTEMS}
    assert given["neo-assets"] == "clean0 clean1 scan0 scan1 lines0 lines1 real0 real1 "
    assert given["tesseract"] == given["PPStructureV3"] == given["neo-assets faithful"] == "clean1 scan1 "
    assert given["pypdfium2"] == "clean0 clean1 real0 real1 "


def test_the_passage_of_a_published_text_is_where_the_layer_is() -> None:
    published = "\n\n".join(("Contents: It is a truth universally acknowledged", *ENGLISH * 2, "The end of the book."))
    marked = published.replace(ENGLISH[1], f"{ENGLISH[1]} Another sentence that is here but once, and not there.", 1)
    layer = "12\nAnother sentence that is here\nbut once, and not there.\n" + ENGLISH[2][:40]
    found = passage(layer, marked)
    assert "nother sentence that is here but once" in found
    assert len(found) < len(layer) + 20
    assert passage("something else altogether", marked) == ""
    assert f1("aab", "abc") == pytest.approx(2 / 3)


@pytest.mark.slow
@pytest.mark.needs("chromium")
def test_the_text_layer_holds_the_truth_of_every_template(tmp_path: Path) -> None:
    import pypdfium2

    from benchmarks.document_truth.printing import browser, printed

    with browser() as launched:
        for template in TEMPLATES:
            for language in ("zh", "en"):
                file = tmp_path / "x.pdf"
                known = printed(launched, template, language, 7, file)
                document = pypdfium2.PdfDocument(file)
                layer = "".join(page.get_textpage().get_text_range() for page in document)
                assert len(document) == known.n_pages <= template.pages
                document.close()
                present = Counter(comparable(layer.replace("\ufffe", "-")).replace(" ", ""))
                for block in known.blocks:
                    assert block.parts
                    missing = Counter(comparable(block.text).replace(" ", "")) - present
                    assert missing.total() <= 0.02 * len(block.text) or block.kind == "equation", block


@pytest.mark.slow
@pytest.mark.needs("chromium")
@pytest.mark.needs("documents")
def test_the_quick_benchmark_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.documents", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "documents.md").read_text(encoding="utf-8")
    rows = [line[2:-2].split(" | ") for line in report.splitlines() if line.startswith("| ")]
    judged_rows = [row for row in rows if len(row) == 13]
    ours = [row for row in judged_rows if row[0] == "neo-assets fast"]
    assert len(ours) == 2
    assert all(float(row[1]) > 0.9 for row in ours)
    assert [row[0] for row in judged_rows if row[0] == "pypdfium2"] == ["pypdfium2"]
    assert "Left out in this run: neo-assets, PPStructureV3, neo-assets faithful, tesseract," in report
    assert "Quick run: not a measurement" in report
    assert "Seed number 1 is for development" in report
