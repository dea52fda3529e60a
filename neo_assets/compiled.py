"""The decorator of compiled loops: Numba is loaded when one is first called, and stale machine code is never used.

Importing Numba takes a second, and most processes that load the definitions compute nothing. So decorated functions
wait; the first call of any of them compiles all that wait and puts what Numba made of them in their place.

Numba notices when a cached function's own file changes, but not when a function or constant that it uses does. So the
cache lies in a folder named by a digest of all modules with compiled loops and of all that these import.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])
_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(rb"^from neo_assets\.([\w.]+) import", re.MULTILINE)
_lock = threading.Lock()
_waiting: list[_Waiting] = []


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Compiles a function, without the interpreter lock and with a cache; `options` are `numba.njit`'s."""

    def decorate(function: Function) -> Function:
        return cast(Function, (_compile if "numba" in sys.modules else _Waiting)(function, options))

    return decorate


class _Waiting:
    """A function that is compiled, with all others that wait, when one of them is first called."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function, self.options = function, options
        self.dispatcher: Callable[..., Any] | None = None
        _waiting.append(self)

    def __call__(self, *arguments: Any) -> Any:
        with _lock:
            if self.dispatcher is None:
                _compile_waiting()
        assert self.dispatcher is not None  # noqa: S101
        return self.dispatcher(*arguments)


def _compile_waiting() -> None:
    for one in _waiting:
        one.dispatcher = _compile(one.function, one.options)
    # Compiled code refers to other functions by the names in its module, whichever module they come from.
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if type(value) is _Waiting:
                setattr(module, name, value.dispatcher)
    _waiting.clear()


def _compile(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    import numba

    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
    dispatcher: Callable[..., Any] = numba.njit(nogil=True, cache=True, **options)(function)
    return dispatcher


@functools.cache
def _cache_folder() -> str:
    """`NUMBA_CACHE_DIR` if it is set, else beside the package's bytecode, or the user's cache if that is read-only."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return given
    sources = {file: file.read_bytes() for file in _PACKAGE.rglob("*.py")}
    waiting = [file for file, source in sources.items() if b"@compiled(" in source]
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file in sources and file not in found:
            found.add(file)
            imported = (name.decode().split(".") for name in _IMPORT.findall(sources[file]))
            waiting.extend(_PACKAGE.joinpath(*steps).with_suffix(".py") for steps in imported)
    digest = hashlib.sha256(b"".join(sources[file] for file in sorted(found)))
    name = f"compiled-{digest.hexdigest()[:16]}"
    own = _PACKAGE / "__pycache__"
    if os.access(own if own.exists() else _PACKAGE, os.W_OK):
        return str(own / name)
    return str(Path.home() / ".cache" / "neo-assets" / name)
