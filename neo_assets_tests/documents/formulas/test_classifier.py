from __future__ import annotations

from random import Random

import numpy as np
import pytest

from neo_assets.documents.formulas import weights
from neo_assets.documents.formulas.classifier import BUNDLED, Classifier, classifier
from neo_assets.documents.formulas.glyph_pictures import sample, templates
from neo_assets.documents.formulas.glyphs import glyphs, numbers
from neo_assets.documents.formulas.tokens import VOCABULARY


def test_glyphs_are_named_once_and_written_in_known_tokens():
    names = [one.name for one in glyphs()]
    assert len(set(names)) == len(names) == len(numbers())
    assert all(token in VOCABULARY for one in glyphs() for token in one.tokens)


def test_the_weights_are_small_and_fit_the_glyphs():
    assert BUNDLED.stat().st_size < 1_500_000
    model = classifier()
    assert model.measures.shape == (len(glyphs()), 3)
    top, bottom, _ = model.measures[numbers()["g"]]
    assert 0.4 < top < 0.6 and -0.3 < bottom < -0.1


def test_weights_for_other_glyphs_are_refused(tmp_path):
    file = tmp_path / "other.safetensors"
    weights.write(file, {"measures": np.zeros((1, 3))}, {"glyphs": "0"})
    with pytest.raises(weights.WeightsError, match="other glyphs"):
        classifier(file)
    with pytest.raises(weights.WeightsError, match="is missing"):
        classifier(tmp_path / "none")


def test_numpy_computes_what_torch_does():
    torch = pytest.importorskip("torch")
    from neo_assets.documents.formulas.train import _write, network

    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = network().eval()
    pictures = [np.random.default_rng(seed).integers(0, 255, (32, 32)).astype(np.uint8) for seed in range(3)]
    arrays = {"measures": np.zeros((len(glyphs()), 3), np.float32)}
    layers = [one for one in model if hasattr(one, "weight")]
    for name, layer in zip(["0", "1", "2", "hidden", "out"], layers, strict=True):
        arrays |= {f"{name}.weight": layer.weight.detach().numpy(), f"{name}.bias": layer.bias.detach().numpy()}
    wanted = torch.log_softmax(model(torch.from_numpy(np.stack(pictures)[:, None].astype(np.float32) / 255)), 1)
    np.testing.assert_allclose(Classifier(arrays).logarithms(pictures), wanted.detach().numpy(), atol=1e-4)
    assert callable(_write)


@pytest.mark.slow
def test_worn_glyphs_are_mostly_recognised():
    rng = Random(5)
    drawn = [one for one in templates() if not glyphs()[one.number].alphabet]
    chosen = [rng.choice(drawn) for _ in range(300)]
    made = [(one.number, picture) for one in chosen if (picture := sample(one, rng)) is not None]
    found = classifier().logarithms([picture for _, picture in made]).argsort(axis=1)[:, -5:]
    assert np.mean([number in row for (number, _), row in zip(made, found, strict=True)]) > 0.93
