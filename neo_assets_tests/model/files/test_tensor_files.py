from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from neo_assets.model.files.tensor_files import DTYPES, CheckpointError, file_size, source, write_tensors  # noqa: E402
from neo_assets.model.files.whole_tensors import open_tensors  # noqa: E402

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=8)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(1, 4), max_size=3))
    dtype = draw(st.sampled_from(list(DTYPES.values())))
    return (torch.arange(torch.Size(shape).numel()).reshape(shape) % 100 + draw(st.integers(0, 9))).to(dtype)


@given(
    st.dictionaries(NAMES.filter(lambda name: name != "__metadata__"), tensors(), min_size=1, max_size=6),
    st.none() | st.dictionaries(NAMES, NAMES, max_size=1),
)
@settings(max_examples=60, deadline=None)
def test_the_bytes_are_those_of_the_library(named: dict[str, torch.Tensor], metadata: dict[str, str] | None) -> None:
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        sources = {name: source(tensor) for name, tensor in named.items()}
        write_tensors(ours, sources, metadata)
        save_file(named, theirs, metadata)  # the reference
        assert ours.read_bytes() == theirs.read_bytes()
        assert file_size(sources, metadata) == ours.stat().st_size


def test_views_are_written_by_value(tmp_path: Path) -> None:
    tensor = torch.arange(12.0).reshape(3, 4)
    write_tensors(tmp_path / "a", {"x": source(tensor[:, 1:3]), "y": source(tensor.T)})
    with open_tensors({tmp_path / "a": None}) as found:
        assert torch.equal(found.read("x"), tensor[:, 1:3])
        assert torch.equal(found.read("y"), tensor.T)


@st.composite
def tilings(draw: st.DrawFn) -> tuple[tuple[int, int], list[tuple[int, int, int, int]]]:
    """A shape, and blocks (row, column, rows, columns) that cut it along drawn lines."""
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    cuts = [sorted({0, size, *draw(st.lists(st.integers(0, size), max_size=2))}) for size in (rows, columns)]
    spans = [list(pairwise(c)) for c in cuts]
    return (rows, columns), [(a, c, b - a, d - c) for a, b in spans[0] for c, d in spans[1]]


@given(tilings(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_block_is_read_out_of_any_blocks(
    tiling: tuple[tuple[int, int], list[tuple[int, int, int, int]]], data: st.DataObject
) -> None:
    shape, blocks = tiling
    whole = torch.arange(shape[0] * shape[1], dtype=torch.bfloat16).reshape(shape)
    with TemporaryDirectory() as folder:
        files = {}
        for number, (a, c, m, n) in enumerate(blocks):
            path = Path(folder) / f"{number}.safetensors"
            write_tensors(path, {"x#2": source(whole[a : a + m, c : c + n])})
            files[path] = {"x#2": ((a, c), shape)}
        row, column = data.draw(st.integers(0, shape[0] - 1)), data.draw(st.integers(0, shape[1] - 1))
        size = (data.draw(st.integers(1, shape[0] - row)), data.draw(st.integers(1, shape[1] - column)))
        with open_tensors(files) as found:
            assert found.shapes == {"x": shape}
            assert torch.equal(found.read("x"), whole)
            part = found.read("x", (row, column), size)
        assert torch.equal(part, whole[row : row + size[0], column : column + size[1]])


@pytest.mark.parametrize(
    ("layouts", "message"),
    [
        ([{"x": ((0,), (4,))}, {"x": ((1,), (4,))}], "lies outside its shape or twice"),
        ([{"x": ((0,), (4,))}, {"x": ((3,), (4,))}], "lies outside its shape or twice"),
        ([{"x": ((0,), (5,))}, {"x": ((2,), (5,))}], "parts of tensor x are missing"),
        ([{"x": ((0,), (4,))}, {"x": ((2,), (5,))}], "elsewhere"),
        ([{"x": ((0,), (4,))}, {"y": ((2,), (4,))}], "other tensors than its layout says"),
        ([{"x": ((0, 0), (4,))}, {"x": ((2,), (4,))}], "lies outside its shape or twice"),
    ],
)
def test_blocks_that_are_no_tiling_are_refused(
    tmp_path: Path, layouts: list[dict[str, tuple[tuple[int, ...], tuple[int, ...]]]], message: str
) -> None:
    files = {tmp_path / str(number): layout for number, layout in enumerate(layouts)}
    for path in files:
        write_tensors(path, {"x": source(torch.zeros(2))})
    with pytest.raises(CheckpointError, match=message), open_tensors(files):
        pytest.fail("must not open")


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_tensors(path, {"x": source(torch.zeros(100))})
    for length in (0, 7, 50, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(CheckpointError, match=r"model\.safetensors is no whole"), open_tensors({path: None}):
            pytest.fail("must not open")
        write_tensors(path, {"x": source(torch.zeros(100))})
    with pytest.raises(CheckpointError, match="is missing"), open_tensors({tmp_path / "none": None}):
        pytest.fail("must not open")
    save_file({"x": torch.zeros(2, dtype=torch.int32)}, path)
    with pytest.raises(CheckpointError, match="type I32"), open_tensors({path: None}):
        pytest.fail("must not open")
    with open_tensors({}) as nothing, pytest.raises(CheckpointError, match="no tensor y"):
        nothing.read("y")
