"""Trains the classifier of glyphs: `python -m neo_assets.documents.formulas.train [--steps N] [--output FILE]`.

Needs the extra `train` (torch) and no GPU. The same seed, steps and versions give the same file.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from neo_assets.documents.formulas import weights
from neo_assets.documents.formulas.classifier import BUNDLED, CHANNELS, HIDDEN
from neo_assets.documents.formulas.glyph_pictures import Template, measures, sample, templates
from neo_assets.documents.formulas.glyphs import digest, glyphs
from neo_assets.documents.formulas.picture import SIDE, Ink

SEED = 17
BATCH = 128
STEPS = 2600
RATE = 2.5e-3


def train(steps: int, output: Path, seed: int = SEED) -> float:
    """Trains from glyphs that are made on the way, writes the weights, and gives the last batches' accuracy."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = Random(seed)
    found = templates()
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    classes: dict[int, list[Template]] = {}
    for one in found:
        classes.setdefault(one.number, []).append(one)
    started, right = time.monotonic(), 0.0
    for step in range(steps):
        pictures, wanted = batch(classes, rng)
        scores = model(torch.from_numpy(np.stack(pictures)[:, None].astype(np.float32) / 255))
        truth = torch.tensor(wanted)
        loss = torch.nn.functional.cross_entropy(scores, truth, label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        plan.step()
        right += 0.02 * (float((scores.argmax(1) == truth).float().mean()) - right)
        if step % 100 == 99:
            print(f"{step + 1} loss {float(loss):.3f} right {right:.3f} {time.monotonic() - started:.0f} s", flush=True)
            if step % 500 == 499:
                _write(model, found, output)
    _write(model, found, output)
    return right


def batch(classes: dict[int, list[Template]], rng: Random) -> tuple[list[Ink], list[int]]:
    """One batch: classes alike often, bold and calligraphic letters less."""
    known = sorted(classes)
    shares = [0.4 if glyphs()[one].alphabet in ("bf", "cal") else 1.0 for one in known]
    pictures: list[Ink] = []
    wanted: list[int] = []
    while len(pictures) < BATCH:
        number = rng.choices(known, shares)[0]
        picture = sample(rng.choice(classes[number]), rng)
        if picture is not None:
            pictures.append(picture)
            wanted.append(number)
    return pictures, wanted


def network() -> Any:
    """The network whose weights `classifier` runs."""
    from torch import nn

    layers: list[Any] = []
    before = 1
    for channels in CHANNELS:
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        before = channels
    flat = before * (SIDE // 2 ** len(CHANNELS)) ** 2
    tail = [nn.Flatten(), nn.Dropout(0.1), nn.Linear(flat, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(glyphs()))]
    return nn.Sequential(*layers, *tail)


def _write(model: Any, found: list[Template], output: Path) -> None:
    names = [*(str(one) for one in range(len(CHANNELS))), "hidden", "out"]
    arrays: dict[str, Any] = {"measures": measures(found)}
    for name, layer in zip(names, [one for one in model if hasattr(one, "weight")], strict=True):
        arrays[f"{name}.weight"] = layer.weight.detach().numpy()
        arrays[f"{name}.bias"] = layer.bias.detach().numpy()
    output.parent.mkdir(parents=True, exist_ok=True)
    weights.write(output, arrays, {"glyphs": digest()})


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--output", type=Path, default=BUNDLED)
    options = parser.parse_args()
    print(f"right {train(options.steps, options.output):.3f}")


if __name__ == "__main__":
    main()
