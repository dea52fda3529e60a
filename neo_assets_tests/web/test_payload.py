"""Content-Encoding is undone, and never beyond the cap."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.payload import PayloadError, decoded, inflated

CAP = 1000


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@given(st.binary(max_size=CAP))
def test_every_coding_is_undone(data: bytes) -> None:
    assert decoded(data, "", CAP) == data
    assert decoded(data, "identity", CAP) == data
    assert decoded(gzip.compress(data), "gzip", CAP) == data
    assert decoded(gzip.compress(data), "X-GZIP", CAP) == data
    assert decoded(zlib.compress(data), "deflate", CAP) == data
    assert decoded(raw_deflate(data), "deflate", CAP) == data
    assert decoded(gzip.compress(zlib.compress(data)), "deflate, gzip", 2 * CAP) == data
    assert decoded(gzip.compress(data[:7]) + gzip.compress(data[7:]), "gzip", CAP) == data


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate])
def test_a_bomb_is_not_unpacked(pack: object) -> None:
    assert callable(pack)
    assert len(inflated(pack(bytes(CAP)), CAP)) == CAP
    with pytest.raises(PayloadError, match="size"):
        inflated(pack(bytes(CAP + 1)), CAP)
    with pytest.raises(PayloadError, match="size"):
        inflated(pack(bytes(10_000_000)), CAP)


def test_many_small_members_do_not_pass_the_cap() -> None:
    with pytest.raises(PayloadError, match="size"):
        inflated(gzip.compress(bytes(CAP // 2)) * 3, CAP)


def test_a_plain_body_over_the_cap_is_refused() -> None:
    with pytest.raises(PayloadError, match="size"):
        decoded(bytes(CAP + 1), "", CAP)


@pytest.mark.parametrize(
    "body", [gzip.compress(b"whole", mtime=0)[:-9], b"plain text", gzip.compress(b"x", mtime=0) + b"rest", b"\x1f\x8b"]
)
def test_broken_data_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError, match="encoding"):
        decoded(body, "gzip", CAP)


def test_a_coding_nobody_asked_for_is_refused() -> None:
    with pytest.raises(PayloadError, match="encoding"):
        decoded(b"x", "br", CAP)


@given(st.binary(max_size=3 * CAP), st.integers(0, 60))
def test_the_beginning_of_what_is_cut_or_too_long(data: bytes, n_lost: int) -> None:
    assert decoded(data, "", CAP, whole=False) == data[:CAP]
    assert decoded(gzip.compress(data), "gzip", CAP, whole=False) == data[:CAP]
    packed = gzip.compress(data)
    found = decoded(packed[: max(0, len(packed) - n_lost)], "gzip", CAP, whole=False)
    assert data.startswith(found)
    assert len(found) <= CAP


def test_codings_upon_codings_are_refused() -> None:
    body = b"x"
    for _ in range(4):
        body = gzip.compress(body)
    with pytest.raises(PayloadError, match="encoding"):
        decoded(body, "gzip, gzip, gzip, gzip", CAP)
