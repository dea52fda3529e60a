"""The section documents: batches by name, folders of the inbox, addresses, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from neo_assets.recipe.documents import (
    BatchSettings,
    CorrectionSettings,
    DocumentsSection,
    FormulaSettings,
    InboxSettings,
    OrderSettings,
)
from neo_assets.recipe.recipe import load_recipe

INBOX = InboxSettings(path="s3://bucket/inbox/", licence="any")


def batch(**changes: object) -> BatchSettings:
    return BatchSettings.model_validate({"paths": ["/a/*.pdf"], "arrived": "2024-11-01", "licence": "any"} | changes)


@pytest.mark.parametrize(
    ("name", "day", "collection"),
    [
        ("2024-11-02", "2024-11-02", "documents"),
        ("2024-11-02-papers", "2024-11-02", "papers"),
        ("2024-11-02-books-shelf_3.b", "2024-11-02", "books"),
    ],
)
def test_a_folder_of_the_inbox_is_a_batch(name: str, day: str, collection: str) -> None:
    found = DocumentsSection(inbox=INBOX).batch(name)
    assert (found.arrived.isoformat(), found.collection) == (day, collection)
    assert found.paths == (f"s3://bucket/inbox/{name}/**/*",)


@pytest.mark.parametrize("name", ["papers", "2024-11-2", "2024-11-02papers", "2024-13-01-papers"])
def test_other_names_are_no_batches(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no batch|month must be"):
        DocumentsSection(inbox=INBOX).batch(name)
    with pytest.raises(ValueError, match=r"add it to documents\.batches"):
        DocumentsSection().batch("papers")


def test_a_named_batch_comes_before_a_folder() -> None:
    named = batch(collection="books")
    assert DocumentsSection(batches={"2024-11-02": named}, inbox=INBOX).batch("2024-11-02") == named


def test_addresses_are_urls() -> None:
    assert batch().address("b", "x/名 1.pdf") == "document://documents/b/x/%E5%90%8D%201.pdf"
    assert batch(base_url="https://a.org/").address("b", "1#2.pdf") == "https://a.org/1%232.pdf"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"paths": ["papers/*.pdf"]}, "must be an absolute path"),
        ({"paths": ["http://a.org/1.pdf"]}, "must be an absolute path"),
        ({"paths": []}, "at least 1"),
        ({"licence": "it's"}, "pattern"),
        ({"collection": "my books"}, "pattern"),
    ],
)
def test_batches_that_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        batch(**changes)


def test_models_are_named_where_they_are_needed() -> None:
    for build in (
        lambda: FormulaSettings(reader="paddle"),
        lambda: FormulaSettings(model="/m"),
        lambda: OrderSettings(method="reader"),
        lambda: OrderSettings(model="/m"),
    ):
        with pytest.raises(ValidationError, match="model is for"):
            build()


def test_a_key_is_named_never_given() -> None:
    with pytest.raises(ValidationError, match="api_key"):
        CorrectionSettings.model_validate({"endpoint": "http://127.0.0.1/v1", "model": "m", "api_key": "secret"})


def test_a_batch_arrives_on_a_crawl_day() -> None:
    recipe = load_recipe("mini")
    late = {"late": {"paths": ["/a/*.pdf"], "arrived": "2025-01-01", "licence": "any"}}
    with pytest.raises(ValidationError, match=r"documents\.batches\.late\.arrived: 2025-01-01 is no crawl day"):
        type(recipe).model_validate({**recipe.model_dump(mode="json"), "documents": {"batches": late}})
