from __future__ import annotations

import pyarrow as pa
import pytest

from neo_assets.dedup.exempt import NoRows, indexed
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Mapped
from neo_assets.recipe.sources import SourceSettings


@pytest.mark.parametrize(
    ("kind", "cut_passages", "whole"),
    [("code", None, True), ("text", None, False), ("code", True, False), ("text", False, True)],
)
def test_code_stays_whole_unless_said_otherwise(kind: str, cut_passages: bool | None, whole: bool) -> None:
    source = SourceSettings.model_validate({"kind": kind, "path": "x", "licence": "x", "cut_passages": cut_passages})
    documents = pa.table({"text": ["a", "b"]})
    found = indexed(LocalEngine(), documents, source)
    assert (found is documents) != whole
    if whole:
        assert isinstance(found, Mapped)
        assert found.kernel(documents.to_batches()[0]).num_rows == 0
        assert NoRows()(documents.to_batches()[0]).schema == documents.schema
