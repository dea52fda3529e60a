"""Settings of document conversion: where files come from, what they may cost, and how each stage works."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, StringConstraints, model_validator

from neo_assets.recipe.base import Section

BatchName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")]
DATED = re.compile(r"^(\d{4}-\d{2}-\d{2})(?:-([a-z0-9]+)(?:[_.-][a-z0-9_.-]*)?)?$")
"""A folder of the inbox that is a batch: the day on which it arrived, its collection, and anything more."""
SCHEMES = ("", "file", "s3", "gs", "seed")


class BatchSettings(Section):
    """One batch of documents: its files, and the day on which they arrived."""

    paths: tuple[str, ...] = Field(
        min_length=1,
        description="files: absolute local paths or globs, seed:// paths of the package, s3:// or gs:// URLs or globs",
    )
    arrived: date = Field(description="the crawl day that its documents belong to")
    licence: str = Field(pattern=r"^[^'\\\n]+$", description="Licence of the texts, for the data card; no quotes.")
    collection: str = Field(
        default="documents",
        pattern=r"^[a-z0-9]+$",
        description="What they are, such as papers or books: the host of their addresses, by which subsets take them.",
    )
    base_url: str | None = Field(
        default=None,
        description="What stands before each file's name in its address; document://COLLECTION/BATCH/ if null.",
    )

    def address(self, batch: str, name: str) -> str:
        """The address of a file of the batch; `name` is its path in the batch, percent-encoded where it has to be."""
        return (self.base_url or f"document://{self.collection}/{batch}/") + quote(name, safe="/~!$&'()*+,;=:@-._")

    @model_validator(mode="after")
    def _paths_are_absolute(self) -> Self:
        for path in self.paths:
            scheme = urlsplit(path).scheme
            if scheme not in SCHEMES or (not scheme and not path.startswith("/")):
                raise ValueError(f"{path!r} must be an absolute path or begin with file, s3, gs or seed://")
        return self


class InboxSettings(Section):
    """A folder or bucket that is watched: each folder in it is a batch, named DAY, DAY-COLLECTION or
    DAY-COLLECTION-anything, as in 2026-01-31-papers-3."""

    path: str = Field(description="absolute local folder, s3:// or gs:// URL")
    licence: str = Field(pattern=r"^[^'\\\n]+$", description="Licence of the texts, for the data card; no quotes.")


class FileLimits(Section):
    """What one file may cost; beyond it the file is quarantined."""

    max_file_bytes: int = Field(300_000_000, gt=0)
    max_pages: int = Field(2000, gt=0)
    max_side_points: float = Field(5000, gt=0, description="the longer side of a page; A0 has 3,370")
    max_side_pixels: int = Field(12_000, gt=0, description="the longer side of an image file")
    max_pixels: int = Field(60_000_000, gt=0, description="of an image file")
    max_memory_bytes: int = Field(1 << 30, ge=1 << 28, description="address space that reading one file may add")
    open_seconds: float = Field(20, gt=0, description="CPU time and a third of the wall time that opening may take")
    page_seconds: float = Field(20, gt=0, description="the same for rendering one page")
    max_missing_share: float = Field(
        0.1, ge=0, le=1, description="of a document's pages that may be quarantined before the document is"
    )


class RenderSettings(Section):
    """How pages become pictures."""

    dpi: int = Field(144, ge=72, le=600, description="pixels an inch; MAP-Neo: 144")
    scan_dpi: int = Field(200, ge=72, le=600, description="the same for pages whose text has to be recognised")
    max_side_pixels: int = Field(4000, gt=0, description="larger pages are rendered more coarsely")


class LayoutSettings(Section):
    """The model that finds the regions of a page."""

    model: str = Field("picodet_cdla", description="a model of the catalogue, or the absolute path of its folder")
    threshold: float = Field(0.4, gt=0, lt=1, description="regions of a lower score are left out")


class RecognitionSettings(Section):
    """How text is read."""

    profile: Literal["default", "fast", "faithful"] = Field(
        "default", description="default: PP-OCRv6 small; fast: PP-OCRv6 tiny; faithful: PP-OCRv4, as MAP-Neo"
    )
    models: dict[Literal["detection", "recognition"], str] = Field(
        {}, description="absolute paths of model folders in place of the profile's"
    )
    min_score: float = Field(
        0.5, ge=0, le=1, description="recognised lines of a lower score are left out; MAP-Neo: 0.5"
    )
    max_strange_share: float = Field(
        0.01, ge=0, le=1, description="of a text layer's characters that are private, unassigned or replaced"
    )
    min_agreement: float = Field(
        0.93,
        ge=0,
        le=1,
        description="between two recognised lines and a suspicious text layer; below it the layer is not used: true "
        "layers agree to .98 at least, those with every twentieth character wrong to .94",
    )


class TableSettings(Section):
    """How tables are read."""

    model: str = Field("slanet_plus", description="a model of the catalogue, or the absolute path of its folder")
    clean_scans: bool = Field(True, description="smooth and stretch pictures of scanned tables beforehand")


class FormulaSettings(Section):
    """How formulas become LaTeX."""

    reader: Literal["none", "bundled", "paddle", "pix2text"] = Field(
        "bundled",
        description="none keeps picture and text; bundled: our own, by glyphs and their places; others need `model`",
    )
    model: str | None = Field(None, description="absolute path of the model folder for paddle and pix2text")
    min_score: float = Field(0.8, ge=0, le=1, description="a less certain formula stays a picture with its text")

    @model_validator(mode="after")
    def _has_a_model(self) -> Self:
        if (self.model is not None) != (self.reader in ("paddle", "pix2text")):
            raise ValueError("model is for reader: paddle and reader: pix2text, and they need one")
        return self


class OrderSettings(Section):
    """The reading order."""

    method: Literal["rules", "reference", "reader"] = Field(
        "rules", description="rules: ours; reference: MAP-Neo's released two-column rules; reader: a LayoutLMv3 model"
    )
    model: str | None = Field(None, description="absolute path of the reader's model folder")

    @model_validator(mode="after")
    def _has_a_model(self) -> Self:
        if (self.model is not None) != (self.method == "reader"):
            raise ValueError("model is for method: reader, and it needs one")
        return self


class MarkdownSettings(Section):
    """What becomes of the ordered elements."""

    join_lines: bool = Field(True, description="false: a line on the page is a line of the text, as MAP-Neo has it")
    keep_footnotes: bool = True
    full_width: bool = Field(True, description="full-width Latin letters and digits become ASCII")


class CorrectionSettings(Section):
    """A language model that corrects what was recognised; what it changed is stored as a difference."""

    endpoint: str = Field(description="base URL of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1")
    model: str = Field(min_length=1)
    api_key_variable: str = Field("NEO_JUDGE_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$", description="where the key is")
    max_score: float = Field(0.9, gt=0, le=1, description="only blocks that were recognised with less are sent")
    max_change: float = Field(0.2, gt=0, le=1, description="a correction that changes a larger share is refused")
    max_requests: int = Field(1000, gt=0, description="a run's budget; what is left stays as it is")
    timeout_seconds: float = Field(60, gt=0)


class DocumentsSection(Section):
    """The document conversion."""

    batches: dict[BatchName, BatchSettings] = Field({}, description="batches that the recipe names")
    inbox: InboxSettings | None = Field(None, description="a folder whose folders are batches; null: none")
    limits: FileLimits = FileLimits()
    rendering: RenderSettings = RenderSettings()
    layout: LayoutSettings = LayoutSettings()
    recognition: RecognitionSettings = RecognitionSettings()
    tables: TableSettings = TableSettings()
    formulas: FormulaSettings = FormulaSettings()
    ordering: OrderSettings = OrderSettings()
    markdown: MarkdownSettings = MarkdownSettings()
    correction: CorrectionSettings | None = Field(None, description="null: nothing is corrected by a language model")
    gallery_pages: int = Field(12, ge=0, description="pages of a batch that its report shows")

    def batch(self, name: str) -> BatchSettings:
        """The settings of a batch: the recipe's, or those of the inbox's folder of that name.

        Raises:
            ValueError: it is neither.
        """
        if name in self.batches:
            return self.batches[name]
        dated = DATED.match(name)
        if self.inbox is None or dated is None:
            raise ValueError(
                f"there is no batch {name!r}: add it to documents.batches, or name a folder of documents.inbox "
                f"so that it begins with the day it arrived, as in 2026-01-31-papers"
            )
        everything = f"{self.inbox.path.rstrip('/')}/{name}/**/*"
        arrived, collection = date.fromisoformat(dated.group(1)), dated.group(2) or "documents"
        return BatchSettings(paths=(everything,), arrived=arrived, licence=self.inbox.licence, collection=collection)

    def told(self, name: str) -> dict[str, Any]:
        """What a batch is told to look at, as plain JSON."""
        return self.batch(name).model_dump(mode="json")
