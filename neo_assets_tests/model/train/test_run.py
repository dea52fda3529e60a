from __future__ import annotations

import json
from pathlib import Path

import pytest

from neo_assets.model.train.run import Segment, SegmentError, run_id, stretches
from neo_assets.recipe.training import TrainingSection
from neo_assets_tests.model.segments import longer_training, make_segment
from neo_assets_tests.model.settings import tiny_training


def test_a_run_is_named_by_what_decides_its_weights() -> None:
    plain = tiny_training()
    name = run_id(plain, 7, "order")
    assert len(name) == 12 and int(name, 16) >= 0
    assert name == run_id(tiny_training(), 7, "order")
    same = [plain.model_copy(update={"snapshot_steps": 3}), plain.model_copy(update={"n_threads": 2})]
    assert {run_id(training, 7, "order") for training in same} == {name}
    others = [
        tiny_training(ffn_size=64),
        tiny_training(steps_per_chunk=4),
        plain.model_copy(update={"microbatch_sequences": 1}),
        plain.model_copy(update={"mask_after_eod": False}),
        TrainingSection.model_validate({**plain.model_dump(), "anomalies": {"policy": "stop"}}),
        TrainingSection.model_validate({**plain.model_dump(), "execution": {"data_parallel": 2}}),
        TrainingSection.model_validate({**plain.model_dump(), "optimiser": {"beta1": 0.8}}),
    ]
    names = {run_id(training, 7, "order") for training in others} | {run_id(plain, 8, "order"), run_id(plain, 7, "x")}
    assert len(names) == len(others) + 2 and name not in names


def test_a_segment_travels_as_json(tmp_path: Path) -> None:
    segment = make_segment(tmp_path, tiny_training(), 1, 2, tmp_path / "parent", loader_workers=2, faults={8: 1.5})
    assert Segment.from_spec(json.loads(json.dumps(segment.spec()))) == segment


def test_segments_that_cannot_be_are_refused(tmp_path: Path) -> None:
    training = tiny_training()
    with pytest.raises(SegmentError, match=r"ckpt_002 needs ckpt_001 as its parent"):
        make_segment(tmp_path, training, 1, 2, None)
    with pytest.raises(SegmentError, match="ckpt_001 starts from nothing"):
        make_segment(tmp_path, training, 0, 2, tmp_path)
    segment = make_segment(tmp_path, training)
    with pytest.raises(SegmentError, match="not among the recipe's 3"):
        Segment.from_spec({**segment.spec(), "last": 3})
    with pytest.raises(SegmentError, match="no chunk given for ckpt_002; materialize"):
        Segment.from_spec({**segment.spec(), "chunks": {"0": "a", "2": "b"}})
    phases = [training.phases[0], training.phases[1].model_copy(update={"data_parallel": 2})]
    with pytest.raises(SegmentError, match="different numbers of ranks"):
        make_segment(tmp_path, training.model_copy(update={"phases": tuple(phases)}))


def test_stretches_end_where_indices_jump_or_ranks_change() -> None:
    training = longer_training()
    assert stretches(training, [0, 1, 2, 3]) == [(0, 3)]
    assert stretches(training, [0, 2, 3]) == [(0, 0), (2, 3)]
    phases = (training.phases[0], training.phases[1].model_copy(update={"data_parallel": 2}))
    assert stretches(training.model_copy(update={"phases": phases}), [1, 2, 3]) == [(1, 2), (3, 3)]
    assert stretches(training, []) == []
