"""Settings of one English source: where its documents come from, how they are cut, and which rules judge them."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.limits import Range

ARRIVING = ("crawl", "imports", "documents")
"""Kinds of sources whose documents come from other assets, not from files of their own."""


class FileSettings(Section):
    """Files, and how plain text in them is cut into documents."""

    path: str | None = Field(None, description="Glob of the files, relative to the seed folder.")
    split_at: str | None = Field(None, description="Regular expression of a heading line; each starts a new document.")
    group_chars: int = Field(0, ge=0, description="Consecutive pieces are joined until they have this many characters.")

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str | None) -> str | None:
        if path is not None and (path.startswith("/") or ".." in path.split("/")):
            raise ValueError("must be relative to the seed folder and stay inside it")
        return path

    @field_validator("split_at")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            return pattern if pattern is None else re.compile(pattern).pattern
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error

    @model_validator(mode="after")
    def _cut_agrees(self) -> Self:
        if self.group_chars and not self.split_at:
            raise ValueError("group_chars joins the pieces made by split_at: give split_at too")
        return self


class FieldNames(Section):
    """How a data set calls what a document consists of."""

    text: str = Field("text", min_length=1, description="The text; a record without one is quarantined.")
    id: str = Field("id", min_length=1, description="What names the record; the number of its line or row if missing.")
    url: str = Field("url", min_length=1, description="Where the text comes from; seed:path#id if missing.")
    title: str = Field("title", min_length=1, description="The title; empty if missing.")
    date: str = Field("date", min_length=1, description="When it was fetched or written; its day is kept.")


class SourceSettings(FileSettings):
    """One English source: where its documents come from, how they are cut, and which rules judge them."""

    kind: Literal["crawl", "imports", "documents", "text", "code", "jsonl", "parquet", "redpajama"] = Field(
        description="crawl: what our crawl found; imports: what arrived in dumps of the section imports; documents: "
        "what was converted of the section documents; text: plain files; code: kept verbatim; jsonl: an object a "
        "line; parquet: a row each; redpajama: RedPajama-V2's pairs of documents and quality signals. Files may end "
        "in .gz or .zst, except Parquet's."
    )
    dumps: tuple[str, ...] = Field((), description="For kind: imports, the names of the dumps, each in one source.")
    fields: FieldNames = Field(FieldNames(), description="Names of the fields or columns, for jsonl and parquet.")
    max_record_bytes: int = Field(
        64 * 2**20, gt=0, le=2**30, description="A longer line, text or value is quarantined, never read whole."
    )
    language: str = Field("en", min_length=1, description="The label of its documents; others are rejected.")
    licence: str = Field(pattern=r"^[^'\\\n]+$", description="Licence of the texts, for the data card; no quotes.")
    cut_passages: bool | None = Field(
        None,
        description="Whether repeated paragraphs and passages are cut out of it, and out of others where it has "
        "them first; null: unless it is code, which would not run any more.",
    )
    rule_set: str = Field("generic", description="The set of limits that judges it.")
    rules: Literal["all"] | tuple[str, ...] = Field("all", description="The rules that judge it, or all.")
    limits: dict[str, Range | None] = Field(
        {}, description="Ranges that differ from its rule set's, whole, by the rule's name; null switches a rule off."
    )

    @model_validator(mode="after")
    def _kind_agrees(self) -> Self:
        if (self.path is None) != (self.kind in ARRIVING):
            raise ValueError(f"a {self.kind} source {'has no path' if self.path else 'needs a path'}")
        if bool(self.dumps) != (self.kind == "imports"):
            raise ValueError("kind: imports needs dumps, and no other kind has them")
        if self.kind != "text" and (self.split_at or self.group_chars):
            raise ValueError("split_at and group_chars are for kind: text only")
        if self.kind not in ("jsonl", "parquet") and self.fields != FieldNames():
            raise ValueError("fields is for kind: jsonl and kind: parquet only")
        return self
