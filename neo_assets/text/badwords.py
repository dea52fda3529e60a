"""Reading lists of terms: obscene ones (LDNOOBW, CC-BY-4.0), stop words, words in addresses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

MAX_LIST_BYTES = 64_000_000


def read_terms(file: Path) -> tuple[str, ...]:
    """The terms of a list in their order: of a JSON list of texts (`.json`), or of a text with one term a line.

    Raises:
        ValueError: the file is missing, too large, not UTF-8 or not such a list.
    """
    try:
        if file.stat().st_size > MAX_LIST_BYTES:
            raise ValueError(f"{file.name} has more than {MAX_LIST_BYTES} bytes: too large for a list of terms")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot read the list {file}: {error.strerror}; correct its path in the recipe") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file.name} must be UTF-8: {error.reason} at byte {error.start}") from error
    if file.suffix != ".json":
        return tuple(term for line in text.splitlines() if (term := line.strip()))
    try:
        terms = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{file.name} must be a JSON list of non-empty texts: {error}") from error
    if not isinstance(terms, list) or not all(isinstance(term, str) and term for term in terms):
        raise ValueError(f"{file.name} must be a JSON list of non-empty texts")
    return tuple(terms)


def load_terms(files: Iterable[str], folder: Path) -> tuple[str, ...]:
    """The terms of several lists, each once, in the order of the files; relative paths start at the folder."""
    return tuple(dict.fromkeys(term for file in files for term in read_terms(folder / file)))
