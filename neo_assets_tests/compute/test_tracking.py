"""What an operator may set about a training job beside its recipe."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from neo_assets.compute.tracking import VARIABLES, TrackingResource


def test_nothing_is_tracked_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    settings = TrackingResource.from_environment().settings
    assert settings == {"tracking": {"NEO_TRACKING": "", "NEO_WANDB_PROJECT": ""}, "loader_workers": 0}
    assert json.loads(json.dumps(settings)) == settings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO_TRACKING", "curves")
    monkeypatch.setenv("NEO_LOADER_WORKERS", "2")
    settings = TrackingResource.from_environment().settings
    assert (settings["tracking"]["NEO_TRACKING"], settings["loader_workers"]) == ("curves", 2)
    monkeypatch.setenv("NEO_LOADER_WORKERS", "many")
    with pytest.raises(ValidationError, match="loader_workers"):
        TrackingResource.from_environment()
