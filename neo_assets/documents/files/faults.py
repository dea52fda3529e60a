"""Why a file or a page cannot be used."""

from __future__ import annotations


class DocumentError(RuntimeError):
    """A file or a page that cannot be used.

    Attributes:
        rule: encrypted, damaged, no_pages, too_many_pages, too_large, memory, time, media, empty or duplicate_file.
        reason: a sentence that says what to do.
    """

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(rule, reason)  # in this form it crosses processes
        self.rule, self.reason = rule, reason

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"
