from __future__ import annotations

from pathlib import Path

from neo_assets.judges.answers import answers_folder
from neo_assets.recipe.documents import CorrectionSettings


def test_a_server_and_a_model_have_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NEO_ANSWERS", str(tmp_path))
    one = answers_folder("http://127.0.0.1:1/v1", "m")
    assert one.parent == tmp_path and answers_folder("http://127.0.0.1:1/v1/", "m") == one
    others = {answers_folder("http://127.0.0.1:2/v1", "m"), answers_folder("http://127.0.0.1:1/v1", "n")}
    assert len(others | {one}) == 3


def test_answers_of_documents_stay_where_they_are(monkeypatch, tmp_path):
    monkeypatch.delenv("NEO_ANSWERS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = CorrectionSettings(endpoint="http://127.0.0.1:1/v1/", model="m")
    found = answers_folder(settings.endpoint, settings.model)
    # printf '["http://127.0.0.1:1/v1", "m"]' | sha256sum: the folders of earlier runs are found again.
    assert found == tmp_path / "neo-assets" / "answers" / "60bf2b6686027e6d"
    monkeypatch.setenv("NEO_ANSWERS", "~/there")
    assert answers_folder("x", "m").parent == Path.home() / "there"
