"""What a file is and holds, or why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neo_assets.documents.files.faults import DocumentError
from neo_assets.documents.files.media import media_of
from neo_assets.documents.files.sandbox import SANDBOX, memory_fault
from neo_assets.recipe.documents import FileLimits


@dataclass(frozen=True)
class FileFacts:
    """A file that can be used. `date` is an ISO day; title, author, date and producer are null if it gives none."""

    media: str
    ending: str
    """Of a name for it, by its content."""
    n_pages: int
    title: str | None = None
    author: str | None = None
    date: str | None = None
    producer: str | None = None


def examine(path: Path, limits: FileLimits) -> FileFacts:
    """Open a file in a child process and look at it.

    Raises:
        DocumentError: it cannot be used; the rule is encrypted, damaged, no_pages, too_many_pages, too_large, memory,
            time, media or empty.
        OSError: it cannot be read.
    """
    media_of(path)  # an unreadable file is the caller's fault, not the document's
    for message, _ in SANDBOX.ask({"task": "examine"}, path, limits):
        if "fault" in message:
            raise fault_of(message["fault"], limits)
        return FileFacts(**message["facts"])
    raise DocumentError("damaged", "it cannot be examined; repair or leave out the file")


def fault_of(told: list[str], limits: FileLimits) -> DocumentError:
    """A fault that a child told."""
    rule, reason = told
    return memory_fault(limits) if rule == "memory" else DocumentError(str(rule), str(reason))
