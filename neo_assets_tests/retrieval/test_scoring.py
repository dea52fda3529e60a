from __future__ import annotations

import hashlib
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.retrieval.fasttext_file import Model, read_model
from neo_assets.retrieval.line_scores import build_table, find_word
from neo_assets.retrieval.lines import line_of
from neo_assets.retrieval.scoring import Score, Scorer, ScorerError, load_scorer, scorer_of, words_weights
from neo_assets_tests.retrieval.fasttext_models import KINDS, SEPARATORS, WORDS, fit, predicted, train
from neo_assets_tests.retrieval.naive_fasttext import features, fnv, probabilities

TOLERANCE = 3e-6
"""fastText adds rows and takes logarithms in 32 bits, and we round to six decimals."""

texts = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.sampled_from([*SEPARATORS, "\n", "</s>", "__label__1", "__label__x", "</s", "unk", "\xa0", "\u3000"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    ),
    max_size=25,
).flatmap(lambda words: st.sampled_from(["", " ", " \t"]).map(lambda joint: joint.join(words)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: train(folder, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def systems(files: dict[str, Path]) -> dict[str, tuple[Any, Model, Scorer]]:
    import fasttext

    models = {kind: read_model(file) for kind, file in files.items()}
    return {
        kind: (fasttext.load_model(str(file)), models[kind], scorer_of(models[kind])) for kind, file in files.items()
    }


def expected_of(theirs: Any, line: str) -> float:
    """fastText's probability; 0 where no word stands before the line's end."""
    blank = not line.partition("\n")[0].strip(SEPARATORS)
    return 0.0 if blank else predicted(theirs, line).get("__label__1", 0.0)


@pytest.mark.parametrize("kind", KINDS)
@given(lines=st.lists(texts, min_size=1, max_size=10))
@settings(max_examples=25)
def test_scores_are_fasttexts(systems: dict[str, tuple[Any, Model, Scorer]], kind: str, lines: list[str]) -> None:
    theirs, _, ours = systems[kind]
    found = ours.scores(lines)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [expected_of(theirs, line) for line in lines], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_long_lines_are_fasttexts_and_differ(
    systems: dict[str, tuple[Any, Model, Scorer]], kind: str
) -> None:
    theirs, _, ours = systems[kind]
    lines = [
        " ".join(WORDS[(start + step * i) % len(WORDS)] for i in range(3000)) for start in (0, 99) for step in (1, 7)
    ]
    lines += [" ".join(WORDS[start : start + 20]) for start in range(0, len(WORDS), 20)]
    found = ours.scores(lines)
    np.testing.assert_allclose(found, [expected_of(theirs, line) for line in lines], rtol=0, atol=TOLERANCE)
    assert np.ptp(found) > 0.1


@pytest.mark.parametrize("kind", ["trigrams", "cut"])
@given(line=texts)
@settings(max_examples=30)
def test_scores_are_those_of_the_plain_reference(
    systems: dict[str, tuple[Any, Model, Scorer]], kind: str, line: str
) -> None:
    _, model, ours = systems[kind]
    blank = not line.partition("\n")[0].strip(SEPARATORS)
    expected = 0.0 if blank else probabilities(line, model).get("__label__1", 0.0)
    assert ours.scores([line])[0] == pytest.approx(expected, abs=1e-6)


def test_the_plain_reference_hashes_as_fasttext_does() -> None:
    # FNV-1a's published vectors (Noll: fnv32a of "a" and "foobar"), and a byte that is negative when signed:
    # (2166136261 ^ 0xFFFFFFC3) * 16777619 mod 2**32.
    assert (fnv(b"a"), fnv(b"foobar")) == (0xE40C292C, 0xBF9CF968)
    assert fnv(b"\xc3") == ((2166136261 ^ 0xFFFFFFC3) * 16777619) % 2**32


def test_a_line_without_words_has_no_score_and_one_with_unknown_words_that_of_its_end(
    systems: dict[str, tuple[Any, Model, Scorer]],
) -> None:
    theirs, model, ours = systems["words"]
    assert ours.scores(["", SEPARATORS, "\n", "\nafter"]).tolist() == [0.0] * 4
    end = predicted(theirs, "unknown")["__label__1"]
    assert len(features(b"unknown", model)) == 1
    assert ours.scores(["unknown", "other unknown"]) == pytest.approx([end, end], abs=TOLERANCE)


def test_arrays_of_every_kind_give_the_same_scores(systems: dict[str, tuple[Any, Model, Scorer]]) -> None:
    _, _, ours = systems["trigrams"]
    lines = ["a1 a2", None, "漢字3 b", "", "é9 𝒳9"]
    whole = ours.scores(["" if line is None else line for line in lines])
    for kind in (pa.string(), pa.large_string()):
        array = pa.array(lines, kind)
        np.testing.assert_array_equal(ours.scores(array), whole)
        np.testing.assert_array_equal(ours.scores(array[2:4]), whole[2:4])
        np.testing.assert_array_equal(ours.scores(pa.chunked_array([array[:1], array[1:]])), whole)
        assert ours.scores(array[:0]).shape == (0,)
    assert ours.scores([]).shape == (0,)
    assert ours.scores([""]).tolist() == [0.0]


def test_words_are_told_apart_by_their_bytes_where_hashes_are_equal() -> None:
    # Both have the 32-bit FNV-1a hash 0x5e4daa9d (a known collision).
    words = [b"costarring", b"liquid"]
    assert fnv(words[0]) == fnv(words[1])
    data = np.frombuffer(b"".join(words), np.uint8)
    for known in ([0, 1], [0], [1]):
        held = np.frombuffer(b"".join(words[number] for number in known), np.uint8)
        offsets = np.cumsum([0, *(len(words[number]) for number in known)])
        table = build_table(held, offsets)
        for number, (start, end) in enumerate(((0, 10), (10, 16))):
            found = find_word(data, start, end, np.uint64(fnv(words[number])), table, held, offsets)
            assert found == (known.index(number) if number in known else -1)


@pytest.mark.parametrize("kind", ["words", "cut_words"])
def test_word_weights_are_what_a_word_adds_to_the_logit(
    systems: dict[str, tuple[Any, Model, Scorer]], files: dict[str, Path], kind: str
) -> None:
    theirs, model, _ = systems[kind]
    weights = words_weights(files[kind])
    assert list(weights) == [word.decode() for word in model.words]
    for word in list(weights)[1:40]:
        chance = predicted(theirs, word)["__label__1"]
        logit = (weights[word] + weights["</s>"]) / 2
        assert 1 / (1 + math.exp(-logit)) == pytest.approx(chance, abs=TOLERANCE)


def test_rows_are_projected_in_chunks(
    systems: dict[str, tuple[Any, Model, Scorer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neo_assets.retrieval.fasttext_file._CHUNK_BYTES", 1000)
    for _, model, ours in systems.values():
        again = scorer_of(model)
        np.testing.assert_array_equal(again.words, ours.words)
        np.testing.assert_array_equal(again.buckets, ours.buckets)


def test_the_model_must_be_the_one_asked_for_and_have_both_labels(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ScorerError, match="expected 00"):
        load_scorer(str(files["words"]), "00")
    with pytest.raises(ScorerError, match="no such model"):
        load_scorer(str(tmp_path / "absent.ftz"), "00")
    for labels in (("1", "2"), ("1",), ("0", "1", "2")):
        lines = [f"__label__{label} a b c d" for label in labels]
        file = fit(tmp_path / f"labels{len(labels)}", lines, {"dim": 4}, None)
        with pytest.raises(ScorerError, match="its labels are: __label__"):
            scorer_of(read_model(file))


def test_a_model_with_rows_that_are_no_numbers_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    content = files["words"].read_bytes()
    output = 2 * 7 * 4  # two rows of seven floats at the end
    behind_words = len(content) - output - 17  # flag, rows and columns of the output
    broken = tmp_path / "nan.bin"
    broken.write_bytes(content[: behind_words - 4] + np.float32(np.nan).tobytes() + content[behind_words:])
    with pytest.raises(ScorerError, match="not numbers"):
        scorer_of(read_model(broken))


def test_the_kernel_takes_away_the_text_and_keeps_every_row(files: dict[str, Path]) -> None:
    import fasttext

    file = files["cut"]
    kernel = Score(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), "english", 40)
    documents = ["a1\n\ta2 a3", "", None, "é5 é6 " * 50, "__label__1 a9"]
    batch = pa.record_batch(
        {
            "doc_id": ["1", "2", "3", "4", "5"],
            "text": pa.array(documents, pa.string()),
            "sample_key": [0.1, 0.2, 0.3, 0.4, 0.5],
            "known": pa.array([None, None, "4", None, None]),
        }
    )
    found = pickle.loads(pickle.dumps(kernel))(batch)  # noqa: S301
    assert found.schema.names == ["doc_id", "sample_key", "known", "score"]
    assert found.select(["doc_id", "sample_key", "known"]).equals(batch.drop_columns(["text"]))
    theirs = fasttext.load_model(str(file))
    lines = [line_of(text or "", "english", 40) for text in documents]
    expected = [expected_of(theirs, line) for line in lines]
    assert found["score"].to_pylist() == pytest.approx(expected, abs=TOLERANCE)
    assert found["score"].to_pylist() == [round(score, 6) for score in found["score"].to_pylist()]
    assert kernel(batch[:0]).schema == found.schema
