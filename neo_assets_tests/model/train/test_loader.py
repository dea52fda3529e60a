from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from neo_assets.model.train.loader import Batch, TokensError, chunk_batches, microbatches, read_ahead  # noqa: E402
from neo_assets_tests.model.segments import longer_training  # noqa: E402
from neo_assets_tests.model.settings import EOD, learnable_tokens, tiny_training  # noqa: E402

TRAINING = longer_training()
TOKENS = learnable_tokens(16)


@pytest.fixture
def chunk(tmp_path: Path) -> Path:
    np.save(tmp_path / "chunk.npy", TOKENS)
    return tmp_path / "chunk.npy"


@pytest.mark.parametrize("n_workers", [0, 1, 2])
def test_batches_are_the_rows_in_order_whatever_the_workers(chunk: Path, n_workers: int) -> None:
    state = torch.get_rng_state()
    found = list(read_ahead(chunk_batches(TRAINING, 0, chunk, EOD), 1, n_workers))
    assert np.array_equal(np.concatenate([batch.rows for batch in found]), TOKENS[4:])
    assert torch.equal(torch.get_rng_state(), state)  # it is part of a checkpoint
    for batch, rows in zip(found, np.split(TOKENS[4:], 3), strict=True):
        assert batch.n_tokens == 64
        assert batch.n_loss_tokens == 64 - int((rows[:, :-1] == EOD).sum())


def test_ranks_share_a_batch_and_agree_on_its_targets(chunk: Path) -> None:
    shares = [list(read_ahead(chunk_batches(TRAINING, 0, chunk, EOD, rank, 2), 0, 0)) for rank in (0, 1)]
    for step, (one, other) in enumerate(zip(*shares, strict=True)):
        assert np.array_equal(np.concatenate([one.rows, other.rows]), TOKENS[4 * step : 4 * step + 4])
        assert one.n_loss_tokens == other.n_loss_tokens


def test_a_reader_that_is_closed_early_leaves_no_process(chunk: Path) -> None:
    others = set(torch.multiprocessing.active_children())
    with closing(read_ahead(chunk_batches(TRAINING, 0, chunk, EOD), 0, 1)) as ahead:
        next(ahead)
        assert set(torch.multiprocessing.active_children()) - others
    assert not set(torch.multiprocessing.active_children()) - others


def test_microbatches_mask_what_follows_a_document_end() -> None:
    rows = TOKENS[:4]
    found = microbatches(Batch(rows, 0, 0), 2, EOD)
    assert [part.ids.shape for part in found] == [(2, 16), (2, 16)]
    assert np.array_equal(np.concatenate([part.ids.numpy() for part in found]), rows[:, :-1])
    assert np.array_equal(np.concatenate([part.labels.numpy() for part in found]), rows[:, 1:])
    mask = np.concatenate([part.mask.numpy() for part in found])
    assert np.array_equal(mask == 0, rows[:, :-1] == EOD) and (mask == 0).any()
    assert all(bool(part.mask.all()) for part in microbatches(Batch(rows, 0, 0), 4, None))


def test_chunks_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "chunk.npy"
    with pytest.raises(TokensError, match=r"chunk\.npy is missing; materialize"):
        chunk_batches(TRAINING, 0, path, EOD)
    np.save(path, TOKENS[:7])
    with pytest.raises(
        TokensError, match=r"must hold integers of shape \(16, 17\), not int32 \(7, 17\); it is another"
    ):
        chunk_batches(TRAINING, 0, path, EOD)
    np.save(path, TOKENS.astype(np.float32))
    with pytest.raises(TokensError, match="not float32"):
        chunk_batches(TRAINING, 0, path, EOD)
    np.save(path, TOKENS)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TokensError, match="is cut off or no array"):
        chunk_batches(TRAINING, 0, path, EOD)
    path.write_bytes(b"")
    with pytest.raises(TokensError, match="is cut off or no array"):
        chunk_batches(TRAINING, 0, path, EOD)


@pytest.mark.parametrize("n_workers", [0, 1])
def test_ids_without_a_row_are_refused(tmp_path: Path, n_workers: int) -> None:
    tokens = TOKENS.copy()
    tokens[9, 3] = 64
    np.save(tmp_path / "chunk.npy", tokens)
    ahead = read_ahead(chunk_batches(TRAINING, 0, tmp_path / "chunk.npy", EOD), 0, n_workers)
    with pytest.raises(
        TokensError, match=r"^/.*chunk\.npy: token ids run from 1 to 64 in step 2 .* has 64 rows; raise"
    ):
        list(ahead)


def test_every_target_counts_where_nothing_is_masked(chunk: Path) -> None:
    unmasked = tiny_training(steps_per_chunk=4).model_copy(update={"mask_after_eod": False})
    assert all(b.n_loss_tokens == b.n_tokens for b in read_ahead(chunk_batches(unmasked, 0, chunk, EOD), 0, 0))
