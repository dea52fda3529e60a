"""What was found out about source files, kept between processes: parsing a hundred and more takes over a second.

An entry is found by the SHA-256 of its file's bytes, so it can be old but not wrong. The whole cache is named by what
else an entry depends on; it lies beside the package's bytecode, and where that is read-only there is none.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_ENTRIES = 4_000


class CodeCache:
    """A JSON file of entries by key, read at once and written once.

    Args:
        file: where it lies. A damaged one counts as empty.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = False
        self._used: set[str] = set()
        try:
            self._entries: dict[str, Any] = dict(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._entries = {}

    def get(self, key: str) -> Any:
        """The entry, or None."""
        if key in self._entries:
            self._used.add(key)
        return self._entries.get(key)

    def put(self, key: str, entry: Any) -> None:
        """Keep an entry of plain JSON."""
        self._entries[key] = entry
        self._used.add(key)
        self._changed = True

    def entry(self, key: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The entry, found out now if it is not there."""
        known: dict[str, Any] | None = self.get(key)
        if known is None:
            known = find()
            self.put(key, known)
        return known

    def save(self) -> None:
        """Write it down if anything is new: in one step, so that readers see the old or the new."""
        if not self._changed:
            return
        self._changed = False
        if len(self._entries) > MOST_ENTRIES:  # every edited file leaves one behind
            self._entries = {key: entry for key, entry in self._entries.items() if key in self._used}
        beside = self._file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(exist_ok=True)
            beside.write_text(json.dumps(self._entries), encoding="utf-8")
            beside.replace(self._file)
