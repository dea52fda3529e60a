"""From a document to the positions that read it to its text, and back, by the command line."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from neo_assets.recipe.recipe import load_recipe
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.e2e.small import Checkout, Told

pytestmark = pytest.mark.slow

N_POSITIONS, OF_A_CHUNK = 3200, 800


@pytest.fixture(scope="module")
def spans(trained: Checkout) -> list[dict[str, Any]]:
    """Every piece of a document in every sequence, by position."""
    rows: list[dict[str, Any]] = trained.lake.whole("training/chunk").named("spans").read().to_pylist()
    return rows


@pytest.fixture(scope="module")
def texts(trained: Checkout) -> dict[str, str]:
    rows = trained.lake.whole("corpus/decontaminated").read(["doc_id", "text"]).to_pylist()
    return {row["doc_id"]: row["text"] for row in rows}


@pytest.fixture(scope="module")
def tokenizer(trained: Checkout) -> Tokenizer:
    model = trained.lake.dataset("tokenizer/tokenizer").file("tokenizer.model")
    return Tokenizer.load(model, load_recipe(str(trained.folder / "recipe.yaml")).tokenizer)


def read_whole(spans: list[dict[str, Any]], texts: dict[str, str], tokenizer: Tokenizer) -> dict[str, Any]:
    """A document with a URL of which one epoch read every token, in more than one sequence."""
    pieces = defaultdict(list)
    for span in spans:
        if span["url"] and (span["phase"], span["epoch"], span["repeat"]) == ("fundamental", 0, 0):
            pieces[span["doc_id"]].append(span)
    found = []
    for doc_id, mine in pieces.items():
        tokens = {p["document_offset"] + i for p in mine for i in range(p["length"])}
        if tokens == set(range(len(tokenizer.encode(texts[doc_id])) + 1)):
            found.append((len(mine), doc_id, mine[0]["url"]))
    n_pieces, doc_id, url = max(found)
    assert n_pieces > 1
    return {"doc_id": doc_id, "url": url}


def test_a_document_is_followed_to_its_positions_and_its_text(
    trained: Checkout, spans: list[dict[str, Any]], texts: dict[str, str], tokenizer: Tokenizer
) -> None:
    document = read_whole(spans, texts, tokenizer)
    mine = [span for span in spans if span["doc_id"] == document["doc_id"]]
    position = mine[0]["position"]
    nowhere = "http://nowhere.neo.test/"
    commands = [
        *(["exposures", document["url"]], ["exposures", document["doc_id"]], ["exposures", nowhere]),
        *(["replay", document["url"]], ["replay", nowhere]),
        *(["replay", str(position)], ["replay", str(N_POSITIONS)]),
    ]
    by_url, by_id, no_exposure, text, no_text, there, beyond = trained.several(*commands)

    assert by_url.status == 0 and by_url.output == by_id.output
    rows = trained.lake.dataset("release/exposure_index").read().to_pylist()
    [index] = [row for row in rows if row["doc_id"] == document["doc_id"]]
    run = trained.lake.dataset("training/checkpoint", ["ckpt_001"]).metadata["run"]
    last = f"{index['applied_positions']} of its tokens moved the weights, in {len(index['checkpoints'])} checkpoints"
    assert f"{last} of run {run}" in " ".join(by_url.output.split())
    for checkpoint in index["checkpoints"]:
        assert re.search(rf"{document['doc_id']}\s+{checkpoint} ", by_url.output), by_url.output

    assert text.status == 0 and texts[document["doc_id"]] in text.output
    check_position(there, position, spans, trained, tokenizer)
    assert (
        no_exposure.error
        == no_text.error
        == f"Error: {nowhere}: no checkpoint has read it; `neo why` says where it went"
    )
    assert beyond.error == f"Error: no chunk holds position {N_POSITIONS}; build training/chunk up to it"
    assert {told.status for told in (no_exposure, no_text, beyond)} == {1}


def check_position(
    told: Told, position: int, spans: list[dict[str, Any]], checkout: Checkout, tokenizer: Tokenizer
) -> None:
    """What is told of a position are its documents, in order, and what its tokens decode to."""
    chunk = checkout.lake.dataset("training/chunk", [f"chunk_{position // OF_A_CHUNK + 1:03d}"])
    row = np.load(chunk.file("chunk.npy"))[position % OF_A_CHUNK]
    expected = ""
    for span in (span for span in spans if span["position"] == position):
        name = f"{span['url'] or span['doc_id']}, its tokens {span['document_offset']} and following"
        decoded = tokenizer.decode(row[span["offset"] : span["offset"] + span["length"]])
        expected += f"{span['offset']:>6} {span['length']:>6} {name}\n{decoded}\n"
    assert told.status == 0 and told.output == expected


def test_the_checks_of_lineage_pass(trained: Checkout) -> None:
    """`neo build` tells of failed checks; here each that must hold is asked for by name."""
    import dagster as dg

    wanted = {
        "training/order": {"permutation"},
        "training/ledger": {"complete"},
        "release/exposure_index": {"replay"},
    }
    with dg.DagsterInstance.from_config(str(trained.folder / "dagster")) as instance:
        keys = [
            dg.AssetCheckKey(dg.AssetKey(asset.split("/")), name) for asset, names in wanted.items() for name in names
        ]
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    told = {key.to_user_string(): record.event.dagster_event.event_specific_data for key, record in found.items()}
    assert len(told) == len(keys) and all(check.passed for check in told.values()), told
    replayed = told["release/exposure_index:replay"].metadata
    assert replayed["read whole"].value > 10 and replayed["documents"].value > replayed["read whole"].value
