"""BLAKE2b with a digest of 128 bits, compiled, over slices of a buffer: `hashlib`'s values without its cost per call.

Source: RFC 7693.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt8s = npt.NDArray[np.uint8]
UInt64s = npt.NDArray[np.uint64]
Word = np.uint64

BLOCK_BYTES = 128
DIGEST_BYTES = 16
_ROUNDS = 12
_I0, _I1 = Word(0x6A09E667F3BCC908), Word(0xBB67AE8584CAA73B)
_I2, _I3 = Word(0x3C6EF372FE94F82B), Word(0xA54FF53A5F1D36F1)
_I4, _I5 = Word(0x510E527FADE682D1), Word(0x9B05688C2B3E6C1F)
_I6, _I7 = Word(0x1F83D9ABFB41BD6B), Word(0x5BE0CD19137E2179)
_FIRST = _I0 ^ Word(0x01010000) ^ Word(DIGEST_BYTES)  # the parameter block: no key, sequential
_ALL = Word(0xFFFFFFFFFFFFFFFF)
_NONE = Word(0)
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)


@compiled(inline="always")
def _mix(a: Word, b: Word, c: Word, d: Word, x: Word, y: Word) -> tuple[Word, Word, Word, Word]:
    a = a + b + x
    d = d ^ a
    d = (d >> Word(32)) | (d << Word(32))
    c = c + d
    b = b ^ c
    b = (b >> Word(24)) | (b << Word(40))
    a = a + b + y
    d = d ^ a
    d = (d >> Word(16)) | (d << Word(48))
    c = c + d
    b = b ^ c
    b = (b >> Word(63)) | (b << Word(1))
    return a, b, c, d


@compiled()
def _absorb(state: UInt64s, block: UInt64s, n_bytes: Word, last: Word) -> None:
    """The compression function: one block of 16 words into the state; `n_bytes` of input so far, `last` all ones in
    the last block."""
    v0, v1, v2, v3, v4, v5, v6, v7 = (
        state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7],
    )  # fmt: skip
    v8, v9, v10, v11, v12, v13, v14, v15 = _I0, _I1, _I2, _I3, _I4 ^ n_bytes, _I5, _I6 ^ last, _I7
    for r in range(_ROUNDS):
        s = _SIGMA[r]
        v0, v4, v8, v12 = _mix(v0, v4, v8, v12, block[s[0]], block[s[1]])
        v1, v5, v9, v13 = _mix(v1, v5, v9, v13, block[s[2]], block[s[3]])
        v2, v6, v10, v14 = _mix(v2, v6, v10, v14, block[s[4]], block[s[5]])
        v3, v7, v11, v15 = _mix(v3, v7, v11, v15, block[s[6]], block[s[7]])
        v0, v5, v10, v15 = _mix(v0, v5, v10, v15, block[s[8]], block[s[9]])
        v1, v6, v11, v12 = _mix(v1, v6, v11, v12, block[s[10]], block[s[11]])
        v2, v7, v8, v13 = _mix(v2, v7, v8, v13, block[s[12]], block[s[13]])
        v3, v4, v9, v14 = _mix(v3, v4, v9, v14, block[s[14]], block[s[15]])
    state[0] ^= v0 ^ v8
    state[1] ^= v1 ^ v9
    state[2] ^= v2 ^ v10
    state[3] ^= v3 ^ v11
    state[4] ^= v4 ^ v12
    state[5] ^= v5 ^ v13
    state[6] ^= v6 ^ v14
    state[7] ^= v7 ^ v15


@compiled()
def digests(data: UInt8s, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> UInt64s:
    """The digests of data[starts[i]:ends[i]], as uint64[n, 2]: the 16 bytes as two little-endian words."""
    found = np.empty((starts.size, 2), np.uint64)
    state = np.empty(8, np.uint64)
    block = np.empty(BLOCK_BYTES // 8, np.uint64)
    octets = block.view(np.uint8)
    for i in range(starts.size):
        place, end = starts[i], ends[i]
        n_bytes = end - place
        state[0], state[1], state[2], state[3] = _FIRST, _I1, _I2, _I3
        state[4], state[5], state[6], state[7] = _I4, _I5, _I6, _I7
        while end - place > BLOCK_BYTES:
            octets[:] = data[place : place + BLOCK_BYTES]
            place += BLOCK_BYTES
            _absorb(state, block, Word(n_bytes - (end - place)), _NONE)
        block.fill(_NONE)
        octets[: end - place] = data[place:end]
        _absorb(state, block, Word(n_bytes), _ALL)
        found[i, 0], found[i, 1] = state[0], state[1]
    return found
