from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from neo_assets.recipe.tokenizer import TokenizerSection
from neo_assets.tokens.vocabulary.pieces import Vocabulary, is_cjk, script_of, vocabulary_figures, vocabulary_table
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer, train_tokenizer
from neo_assets_tests.tokens.helpers import SAMPLING, SMALL


def test_the_table_counts_every_piece_once(tokenizer: Tokenizer) -> None:
    uses = np.zeros(SMALL.n_ids, np.int64)
    uses[[259, 260, 2402]] = 5, 1, 7
    rows = vocabulary_table(Vocabulary(tokenizer), uses).to_pylist()
    assert sum(row["pieces"] for row in rows) == SMALL.n_ids
    by_kind = {kind: sum(r["pieces"] for r in rows if r["kind"] == kind) for kind in ("special", "byte", "appended")}
    assert by_kind == {"special": 3, "byte": 256, "appended": 5}
    assert sum(row["tokens"] for row in rows) == 13
    assert sum(row["pieces_used"] for row in rows) == 3
    pieces = [tokenizer.piece(i) for i in range(259, SMALL.vocab_size)]
    han = [p for p in pieces if len(p) == 1 and is_cjk(np.array([ord(p)]))[0]]
    chosen = [r for r in rows if (r["kind"], r["script"], r["characters"]) == ("normal", "Hani", 1) and not r["spaced"]]
    assert sum(row["pieces"] for row in chosen) == len(han) > 300
    assert chosen[0]["examples"] == han[:6]
    assert vocabulary_table(Vocabulary(tokenizer))["tokens"].null_count == len(rows)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("the", "Latn"),
        ("中文", "Hani"),
        ("かな", "Hira"),
        ("--", "Zyyy"),
        ("", "Zyyy"),
        ("中a", "mixed"),
        ("д。", "Cyrl"),
    ],
)
def test_script(text: str, script: str) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize("name", ["tokenizer", "prefixed_tokenizer"])
def test_figures_hold_for_a_trained_model(name: str, request: pytest.FixtureRequest) -> None:
    figures = vocabulary_figures(Vocabulary(request.getfixturevalue(name)))
    assert [row for row in figures.to_pylist() if not row["holds"]] == []
    assert figures.num_rows == 10


def test_figures_fail_where_the_model_is_another_than_the_settings_say(small_sample: pa.Table) -> None:
    trained = SMALL.model_copy(update={"split_digits": False, "allow_whitespace_only_pieces": True})
    text = "\n".join(["in 1791 and 1791 there were      1791     spaces 2 0 4"] * 200)
    sample = pa.table({"doc_id": ["d"], "text": [text], "copies": pa.array([1], pa.int32())})
    chosen = trained.model_copy(update={"vocab_size": 300})
    model = train_tokenizer(sample, chosen, 1)
    wrong = chosen.model_copy(
        update={"split_digits": True, "allow_whitespace_only_pieces": False, "max_piece_characters": 3}
    )
    failed = [row for row in vocabulary_figures(Vocabulary(Tokenizer(model, wrong))).to_pylist() if not row["holds"]]
    assert [row["figure"] for row in failed] == [
        "characters of the longest piece",
        "pieces that join a digit",
        "pieces of spaces only",
    ]


@pytest.mark.slow
def test_figures_of_the_published_settings(documents: pa.Table) -> None:
    # Source: MAP-Neo §8.1, §15: 64,000 = 3 + 256 + 63,741; EOD 64002; longest piece 16; 2024 is four pieces.
    published = TokenizerSection(sampling=SAMPLING)
    sample = documents.append_column("copies", pa.array([1] * documents.num_rows, pa.int32()))
    figures = vocabulary_figures(Vocabulary(Tokenizer(train_tokenizer(sample, published, 42), published)))
    found = {row["figure"]: row["found"] for row in figures.to_pylist()}
    assert found == {
        "special pieces": "3",
        "byte pieces": "256",
        "normal pieces": "63741",
        "ids with the appended tokens": "64005",
        "id of the end of document": "64002",
        "characters of the longest piece": "16",
        "pieces of 2024": "2 0 2 4",
        "pieces that join a digit": "0",
        "pieces of a line end": "<0x0A>",
        "pieces of spaces only": "\u2581",
    }
    assert all(figures["holds"].to_pylist())
