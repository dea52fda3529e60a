"""Killed without notice at random moments, again and again: nothing committed is lost, a rerun finishes the work.

It is done by two workers in another folder, and gives in the end what one undisturbed worker gives.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from neo_assets_tests.e2e.small import ROOT, Checkout, small_recipe

N_KILLS = 12
SELECTION = 'key:"chinese/line_unique" or key:"english/substring_unique"'


@pytest.mark.slow
def test_two_workers_elsewhere_give_the_same_digests_through_any_kills(everything: Checkout, tmp_path: Path) -> None:
    disturbed = Checkout.make(tmp_path / "another" / "place", small_recipe())
    draw, kills, committed = random.Random(20261101), 0, {}
    while kills < N_KILLS:
        seconds = draw.uniform(1.0, 9.0)
        process = subprocess.Popen(
            disturbed.command("build", SELECTION), cwd=ROOT, env=disturbed.environment(workers=2),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        found = disturbed.digests()
        assert committed.items() <= found.items(), "a committed partition was lost or changed"
        committed = found
        if process.returncode == 0:
            # It got to its end before the blow fell: take the last stages away and go on.
            disturbed.neo("build", 'key:"chinese/bands"', "--force", "--no-upstream")
    disturbed.build_everything(workers=2)
    assert disturbed.digests() == everything.digests()
    assert disturbed.decision_digests() == everything.decision_digests()
    assert any(name.startswith("training/checkpoint|") for name in disturbed.digests())
    leftovers = list(disturbed.lake.garbage())
    disturbed.neo("gc", "--delete", "--older-than", "0")
    assert list(disturbed.lake.garbage()) == [], f"left after collection; before it there were {len(leftovers)}"
    assert disturbed.digests() == everything.digests()
