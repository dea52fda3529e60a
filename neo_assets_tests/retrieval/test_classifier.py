from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from neo_assets.recipe.supplement import RecallClassifierSettings
from neo_assets.retrieval.classifier import MODEL, OTHER_BUILDS, POSITIVE, RecallClassifierError, Trained, train
from neo_assets.retrieval.measures import CONFUSED_SCHEMA, CURVE_SCHEMA
from neo_assets.retrieval.model import SAMPLE_SCHEMA, TEST, TRAIN, VALID, WORD_SCHEMA
from neo_assets.retrieval.training_set import training_set
from neo_assets_tests.retrieval.samples import COMMON_WORDS, DOMAIN_WORDS, OTHER_WORDS, SMALL, made_sample

QUANTISED = SMALL.model_copy(update={"max_model_bytes": 30_000})


def trained(sample: pa.Table, settings: RecallClassifierSettings = SMALL, seed: int = 7) -> Trained:
    return train(sample.to_batches(max_chunksize=13), settings, seed)


@pytest.fixture(scope="module")
def found() -> Trained:
    return trained(made_sample(noise=0.1))


def test_it_learns_what_tells_the_classes(found: Trained) -> None:
    facts = found.metadata
    assert facts["training pairs"] == 60 and facts["documents cut to make the classes equal"] == 0
    assert facts["valid documents"] == facts["test documents"] == 20
    assert facts["valid average precision"] > 0.8 and facts["test average precision"] > 0.8
    assert facts["model bytes"] == len(found.files[MODEL]) < SMALL.max_model_bytes
    assert facts["model"].startswith("not quantised") and facts["accuracy lost by quantising"] == 0
    assert found.views["curve.png"].startswith(b"\x89PNG") and "not measured" not in facts
    assert {name: table.schema for name, table in found.tables.items()} == {
        "words": WORD_SCHEMA, "curve": CURVE_SCHEMA, "confused": CONFUSED_SCHEMA,
    }  # fmt: skip


def test_words_are_counted_in_the_training_split_alone(found: Trained) -> None:
    documents: dict[int, Counter[str]] = {0: Counter(), 1: Counter()}
    for row in made_sample(noise=0.1).to_pylist():
        if row["split"] == TRAIN:
            documents[row["label"]].update(set(row["line"].split()))
    rows = found.tables["words"].to_pylist()
    assert {row["word"] for row in rows} == {*DOMAIN_WORDS, *OTHER_WORDS, *COMMON_WORDS}
    for row in rows:
        n_domain, n_other = documents[1][row["word"]], documents[0][row["word"]]
        assert (row["positives"], row["negatives"]) == (n_domain, n_other)
        assert row["log_odds"] == round(float(np.log((n_domain + 0.5) / (n_other + 0.5))), 6)  # 60 of each class
    assert rows == sorted(rows, key=lambda row: (-abs(row["log_odds"]), row["word"]))
    assert np.mean([row["weight"] for row in rows if row["word"] in DOMAIN_WORDS]) > 0.01
    assert np.mean([row["weight"] for row in rows if row["word"] in OTHER_WORDS]) < -0.01
    shown = found.metadata["decisive words"]
    assert shown[0]["for the domain"] in DOMAIN_WORDS and shown[0]["against it"] in OTHER_WORDS


def test_the_confused_are_those_on_the_wrong_side(found: Trained, tmp_path: Path) -> None:
    import fasttext

    (tmp_path / MODEL).write_bytes(found.files[MODEL])
    model = fasttext.load_model(str(tmp_path / MODEL))
    wrong = {}
    for row in made_sample(noise=0.1).to_pylist():
        if row["split"] != TRAIN:
            chances = {name: chance for chance, name in model.f.predict(row["line"] + "\n", -1, 0.0, "strict")}
            if (chances[POSITIVE] > 0.5) != (row["label"] == 1):
                wrong[row["doc_id"]] = (row["label"], row["url"], row["line"][:300])
    table = found.tables["confused"].to_pylist()
    assert wrong and {row["doc_id"]: (row["label"], row["url"], row["line"]) for row in table} == wrong
    errors = [abs(row["score"] - row["label"]) for row in table]
    assert errors == sorted(errors, reverse=True) and min(errors) >= 0.5
    in_matrix = [
        row["classified other" if row["labelled"] == "domain" else "classified domain"]
        for split in (VALID, TEST)
        for row in found.metadata[f"{split} confusion"]
    ]
    assert sum(in_matrix) == len(wrong)


def test_the_model_is_quantised_until_it_is_small_enough() -> None:
    sample = made_sample()
    sizes = []
    for limit, rows in ((60_000, "all 1,181 rows"), (30_000, "of 1,181 rows")):
        made = trained(sample, SMALL.model_copy(update={"max_model_bytes": limit}))
        assert made.metadata["model"].startswith("quantised") and rows in made.metadata["model"]
        assert made.metadata["quantising loses too much"] is False and made.metadata["valid accuracy"] > 0.9
        sizes.append(len(made.files[MODEL]))
        assert sizes[-1] <= limit
    assert sizes[1] < sizes[0]
    with pytest.raises(RecallClassifierError, match=r"256 rows left: raise supplement.classifier.max_model_bytes"):
        trained(sample, SMALL.model_copy(update={"max_model_bytes": 10_000}))


def test_equal_samples_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    script = """
        import hashlib
        from neo_assets.retrieval.classifier import train
        from neo_assets_tests.retrieval.test_classifier import QUANTISED, made_sample, told
        print(told(train(made_sample().to_batches(), QUANTISED, 7)))
    """
    environment = os.environ | {"PYTHONHASHSEED": "77", "TMPDIR": str(tmp_path)}
    other = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert other.returncode == 0, other.stderr
    made = told(trained(made_sample(), QUANTISED))
    assert other.stdout.split() == [made] and not list(tmp_path.iterdir())
    assert told(trained(made_sample(), QUANTISED, seed=8)) != made


def told(made: Trained) -> str:
    """A digest of the model and tables."""
    tables = {name: table.to_pylist() for name, table in made.tables.items()}
    return hashlib.sha256(made.files[MODEL] + repr([tables, made.metadata]).encode()).hexdigest()


def test_six_documents_are_enough() -> None:
    made = trained(made_sample({TRAIN: 3}), RecallClassifierSettings(dim=64, buckets=1000))
    assert made.metadata["training pairs"] == 3 and len(made.files[MODEL]) > 0
    assert made.metadata["not measured"].startswith("no document in valid and test")
    assert "valid accuracy" not in made.metadata and "quantising loses too much" not in made.metadata
    assert made.views == {} and made.tables["curve"].num_rows == made.tables["confused"].num_rows == 0
    rare = RecallClassifierSettings(dim=16, buckets=1000, min_count=1000)  # no word is frequent enough
    assert trained(made_sample({TRAIN: 3}), rare).tables["words"] == WORD_SCHEMA.empty_table()


def test_no_sample_gives_no_model() -> None:
    for batches in ([], SAMPLE_SCHEMA.empty_table().to_batches(), made_sample().slice(0, 0).to_batches()):
        made = train(batches, SMALL, 7)
        assert made.files == made.views == {}
        assert {name: (table.schema, table.num_rows) for name, table in made.tables.items()} == {
            "words": (WORD_SCHEMA, 0), "curve": (CURVE_SCHEMA, 0), "confused": (CONFUSED_SCHEMA, 0),
        }  # fmt: skip


def test_a_missing_class_is_told() -> None:
    rows = made_sample().to_pylist()
    for label, message in ((1, "no negatives .* search more pages"), (0, "no positives .* seeds with text")):
        of_class = pa.Table.from_pylist([row for row in rows if row["label"] == label], SAMPLE_SCHEMA)
        with pytest.raises(RecallClassifierError, match=message):
            trained(of_class)
    mute = pa.Table.from_pylist([{**row, "line": ""} for row in rows], SAMPLE_SCHEMA)
    with pytest.raises(RecallClassifierError, match="no positives with words"):
        trained(mute)


def test_lines_alternate_in_an_order_that_only_the_seed_gives(tmp_path: Path) -> None:
    rows = made_sample({TRAIN: 20, TEST: 2}).to_pylist()
    rows[0]["line"], rows[2]["line"] = "", "长 𝔷"
    orders = []
    for seed, given in ((1, rows), (1, rows[::-1]), (2, rows)):
        made = training_set(pa.Table.from_pylist(given, SAMPLE_SCHEMA).to_batches(max_chunksize=7), tmp_path, seed)
        orders.append(list(made.documents()))
    assert orders[0] == orders[1] != orders[2]
    assert [label for label, _ in orders[0]] == [1, 0] * 19
    assert (made.n_pairs, made.n_cut, made.n_empty, made.n_found) == (19, 1, 1, (19, 20))
    assert {line for label, line in orders[0] if not label} == {
        row["line"] for row in rows if row["split"] == TRAIN and not row["label"] and row["line"]
    }
    assert {one.doc_id for one in made.held_out[TEST]} == {row["doc_id"] for row in rows if row["split"] == TEST}


def test_a_build_that_leaves_weights_uninitialised_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neo_assets.retrieval.classifier.OTHER_BUILDS", ("fasttext-community",))
    with pytest.raises(RecallClassifierError, match="pip uninstall fasttext-community"):
        train(made_sample().to_batches(), SMALL, 1)


def test_no_such_build_is_installed() -> None:
    installed = {one.metadata["Name"] for one in importlib.metadata.distributions()}
    assert "fasttext-community" in installed and not installed & set(OTHER_BUILDS)
