"""What every adapter of document conversion does: read documents, convert each, tell text and processor time.

    python -m benchmarks.peers.documents_NAME --input FILE [--models JSON] [MODE...]

A line of the input is a document: `id`, `path` of its PDF, `language` (zh or en). For each of its modes, or those that
are named, the adapter prints one object a document: `mode`, `id`, `text` (Markdown or plain), `seconds` (processor
time, of all children too), `stages` (the same by stage, where the system tells), `error`. Documents with `warm` are
converted once beforehand, untimed, so that loading of models is left out. Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Document(NamedTuple):
    """A document to be converted."""

    id: str
    path: str
    language: str
    warm: bool = False


class Conversion(NamedTuple):
    """A text, the processor seconds that it took, and those of each stage."""

    text: str
    seconds: float
    stages: Mapping[str, float] = {}


Converter = Callable[[Document], str | Mapping[str, Conversion]]
"""Gives the document's text, or several by a name that is put behind that of the mode."""


def serve(modes: Mapping[str, Callable[[Mapping[str, str]], Converter]]) -> None:
    """Runs an adapter from the command line; a mode is made of the models' folders and converts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--models", type=json.loads, default={})
    parser.add_argument("modes", nargs="*")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    documents = [Document(**json.loads(line)) for line in chosen.input.read_text(encoding="utf-8").splitlines()]
    for mode in chosen.modes or list(modes):
        # What libraries print must not mix with the answers.
        with redirect_stdout(sys.stderr):
            convert = modes[mode](chosen.models)
            for document in documents:
                if document.warm:
                    converted(convert, document)
        for document in documents:
            with redirect_stdout(sys.stderr):
                found, error = converted(convert, document)
            for name, one in found.items():
                row = {"mode": mode + name, "id": document.id, **one._asdict(), "error": error}
                print(json.dumps(row), flush=True)


def converted(convert: Converter, document: Document) -> tuple[Mapping[str, Conversion], str]:
    """The texts with processor seconds, and what went wrong."""
    error: str = ""
    found: str | Mapping[str, Conversion] = ""
    start = used_seconds()
    try:
        found = convert(document)
    except Exception as problem:  # noqa: BLE001 what a system does on a document is part of the result
        error = " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
    if isinstance(found, str):
        found = {"": Conversion(found, used_seconds() - start)}
    clean = {name: one._replace(text=one.text.encode("utf-8", "replace").decode()) for name, one in found.items()}
    return clean, error


def used_seconds() -> float:
    """Processor time of this process, of its children that ended, and of those that live."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system + _living(os.getpid())


def _living(parent: int) -> float:
    """Processor time of the processes below one, with what they know of their own children."""
    total = 0.0
    try:
        for thread in Path(f"/proc/{parent}/task").iterdir():
            for child in map(int, (thread / "children").read_text(encoding="ascii").split()):
                fields = (
                    Path(f"/proc/{child}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                )
                total += sum(map(int, fields[11:15])) / _TICKS + _living(child)
    except OSError:  # it has ended meanwhile, or the system does not tell
        return total
    return total
