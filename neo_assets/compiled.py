"""The decorator of compiled loops: machine code is cached, and never used after what it came from has changed.

Numba notices when a cached function's own file changes, but not when a function or constant that it uses does. So the
cache lies in a folder named by a digest of all modules with compiled loops and of those that hold their constants.
"""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path

import numba

_PACKAGE = Path(__file__).parent
_CONSTANTS = ("classes",)


def _cache_folder() -> str:
    """`NUMBA_CACHE_DIR` if it is set, else beside the package's bytecode, or the user's cache if that is read-only."""
    digest = hashlib.sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        source = file.read_bytes()
        if b"@compiled(" in source or file.stem in _CONSTANTS:
            digest.update(source)
    name = f"compiled-{digest.hexdigest()[:16]}"
    own = _PACKAGE / "__pycache__"
    if os.access(own if own.exists() else _PACKAGE, os.W_OK):
        return str(own / name)
    return str(Path.home() / ".cache" / "neo-assets" / name)


numba.config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or _cache_folder()  # type: ignore[attr-defined]

compiled = partial(numba.njit, nogil=True, cache=True)
"""Compiles a function on its first call; `@compiled()`."""
