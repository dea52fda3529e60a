"""Settings of the lists that pages are judged by, and of the filter of single lines.

Files are named relative to the seed folder, or absolutely. Where a list is null, nothing is looked up in it.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section


class UrlWordSettings(Section):
    """Words in addresses that tell what a page is, in RefinedWeb's three grades; a file is a list of terms."""

    strict_files: tuple[str, ...] = Field((), description="One of these anywhere in the address is enough.")
    hard_files: tuple[str, ...] = Field((), description="One of these as a whole word of the address is enough.")
    soft_files: tuple[str, ...] = Field((), description="It takes soft_matches of these as whole words.")
    soft_matches: int = Field(2, ge=1, description="Soft words in an address that list it.")


class UrlListSettings(Section):
    """Lists of addresses by category, in the layout of the UT1 blacklists: CATEGORY/domains and CATEGORY/urls."""

    path: str = Field(min_length=1, description="The folder, or a .tar or .tar.gz of it.")
    include: tuple[str, ...] | None = Field(
        None, description="The categories to use; null means all but UT1's white ones and the neutral ones."
    )
    exclude: tuple[str, ...] = Field((), description="Categories not to use, besides those left out anyway.")
    words: UrlWordSettings | None = Field(None, description="Words in addresses; null looks for none.")

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if both := sorted({*(self.include or ())} & {*self.exclude}):
            raise ValueError(f"categories both included and excluded: {', '.join(both)}")
        return self


class LineFilterSettings(Section):
    """What a line must fulfil to stay (MAP-Neo Matrix, line filter of the Chinese code, there never called)."""

    terminal_marks: str | None = Field(
        '.!?。！？…”"」』', min_length=1, description="A line must end in one of these characters; null: in any."
    )
    min_words: int = Field(3, ge=0, description="Words in a line; jieba words in Chinese.")
    javascript: bool = Field(True, description="Remove lines that speak of JavaScript.")
    lorem_ipsum: bool = Field(True, description="Remove lines with 'lorem ipsum'.")
    bad_words: bool = Field(True, description="Remove lines with a term of bad_words_files.")
