from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neo_assets.retrieval.fasttext_file import DenseRows, FastTextFileError, chunks, read_model
from neo_assets_tests.retrieval.fasttext_models import KINDS, fit, predicted, train
from neo_assets_tests.retrieval.naive_fasttext import probabilities


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def cut(folder: Path) -> bytes:
    return train(folder, "cut_odd").read_bytes()


@pytest.fixture(scope="module")
def dense(folder: Path) -> bytes:
    return train(folder, "words").read_bytes()


def test_a_float_model_is_read_as_fasttext_reads_it(folder: Path) -> None:
    import fasttext

    file = train(folder, "trigrams")
    model, theirs = read_model(file), fasttext.load_model(str(file))
    assert [word.decode() for word in model.words] == theirs.get_words()
    assert [label.decode() for label in model.labels] == theirs.get_labels()
    words, counts = theirs.get_words(include_freq=True)
    assert dict(zip(model.words, model.counts.tolist(), strict=False)) == {
        word.encode(): count for word, count in zip(words, counts.tolist(), strict=True)
    }
    assert (model.args.dim, model.args.word_ngrams, model.args.buckets) == (20, 3, 5000)
    assert model.input.shape == (len(model.words) + 5000, 20)
    np.testing.assert_array_equal(model.input.rows(0, 10_000), theirs.get_input_matrix())
    np.testing.assert_array_equal(model.output.rows(0, 2), theirs.get_output_matrix())


@pytest.mark.parametrize("kind", [kind for kind, (_, quantising) in KINDS.items() if quantising is not None])
def test_quantised_rows_are_fasttexts(folder: Path, kind: str) -> None:
    import fasttext

    file = train(folder, kind)
    model, theirs = read_model(file), fasttext.load_model(str(file))
    # Not `get_word_vector`: this distribution of fastText scales what that gives to length 1.
    vectors = np.stack([theirs.get_input_vector(row) for row in range(model.input.shape[0])])
    rows = model.input.rows(0, len(vectors))
    np.testing.assert_allclose(rows, vectors, rtol=1e-6, atol=1e-7)
    assert (model.pruned is not None) == kind.startswith("cut")


def test_a_quantised_output_and_many_labels_are_read(folder: Path) -> None:
    import fasttext

    lines = [f"__label__{number % 300} w{number % 300} v{number % 7}" for number in range(600)]
    file = fit(folder / "labels", lines, {"dim": 6, "wordNgrams": 2, "bucket": 500}, {"qout": True, "qnorm": True})
    model, theirs = read_model(file), fasttext.load_model(str(file))
    assert not isinstance(model.output, DenseRows)
    expected = predicted(theirs, "w3 v3 w99")
    found = probabilities("w3 v3 w99", model)
    assert len(found) == 300
    assert found == pytest.approx(expected, abs=2e-6)


def test_chunks_cover_all_rows_once(dense: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.bin").write_bytes(dense)
    rows = read_model(tmp_path / "m.bin").input
    monkeypatch.setattr("neo_assets.retrieval.fasttext_file._CHUNK_BYTES", 100)
    parts = list(chunks(rows))
    assert [stop - start for start, stop in parts[:-1]] == [3] * (len(parts) - 1)  # 7 floats a row
    assert [part[0] for part in parts[1:]] == [part[1] for part in parts[:-1]]
    assert parts[-1][1] == rows.shape[0]


def test_every_cut_off_or_prolonged_file_is_refused(cut: bytes, dense: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model"
    for content in (cut, dense):
        for length in {*range(0, 200, 7), *range(200, len(content), len(content) // 60), len(content) - 1}:
            file.write_bytes(content[:length])
            with pytest.raises(FastTextFileError, match=r"cut off|no model|not readable") as error:
                read_model(file)
            assert "\n" not in str(error.value)
        file.write_bytes(content + b"\0")
        with pytest.raises(FastTextFileError, match="1 bytes behind its end"):
            read_model(file)


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_refused_or_read_but_never_anything_else(
    cut: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(cut)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 400) | st.integers(0, len(content) - 9))
        what = data.draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, b"\xff\xff\xff\x7f"]))
        content[place : place + len(what)] = what
    file = tmp_path / "damaged.ftz"
    file.write_bytes(content)
    try:
        model = read_model(file)
    except FastTextFileError:
        return
    assert model.input.rows(0, 5).shape == (5, model.args.dim)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 7, "no model of fastText"),
        (4, 11, "version 11"),
        (8, 0, "0 dimensions"),
        (28, 0, "n-grams of 0 words"),
        (32, 1, "the loss hs"),
        (32, 4, "the loss ova"),
        (32, 9, "unknown loss 9"),
        (36, 2, "word vectors"),
        (40, 2**31 - 1, "buckets: at most"),
        (48, 3, "subwords of up to 3"),
        (64, 2**30, "do not add up"),
    ],
)
def test_what_cannot_be_read_is_named(cut: bytes, tmp_path: Path, place: int, value: int, message: str) -> None:
    file = tmp_path / "other.ftz"
    file.write_bytes(cut[:place] + struct.pack("<i", value) + cut[place + 4 :])
    with pytest.raises(FastTextFileError, match=message) as error:
        read_model(file)
    assert str(file) in str(error.value)


def test_a_dictionary_without_end_or_a_missing_file_is_refused(cut: bytes, tmp_path: Path) -> None:
    file = tmp_path / "endless.ftz"
    file.write_bytes(cut[:92] + b"x" * 100_000)
    with pytest.raises(FastTextFileError, match="a word of its dictionary has no end"):
        read_model(file)
    with pytest.raises(FastTextFileError, match="not readable"):
        read_model(tmp_path / "absent.ftz")
