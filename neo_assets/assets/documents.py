"""Documents: PDFs, scans and pictures of pages as clean Markdown, in Chinese and English, batch by batch."""

from neo_assets.asset import Compute, Context, Dataset, Draft, Engine, Recipe, Relation, Result, asset
from neo_assets.documents.arrivals import documents_of_day
from neo_assets.documents.streams import markdown_rows, ordered_rows, report_batch
from neo_assets.partitions import ALL, crawl_days, document_batches
from neo_assets.web.language import IdentifyLanguage


@asset(kinds={"pdf"}, partitions_def=document_batches, pool="documents", observed="files_of")
def files(context: Context, compute: Compute) -> Result:
    """The files of a batch, byte for byte, each with its kind, number of pages and what it says of itself.

    Encrypted, damaged and oversized files, and those that cost too much to open, are quarantined with the reason. A
    batch is read again when the recipe tells it to look elsewhere, and when the sensor finds that its files changed.
    """
    return compute.run(context, "neo_assets.jobs.document_files")


@asset(kinds={"pdf", "parquet"}, partitions_def=document_batches, pool="documents")
def pages(context: Context, files: Dataset, compute: Compute) -> Result:
    """Every page of a batch as a picture, with the characters of its text layer and what that layer is worth."""
    return compute.run(context, "neo_assets.jobs.document_pages", files=files)


@asset(kinds={"paddle", "parquet"}, partitions_def=document_batches, pool="documents")
def layout(context: Context, pages: Dataset, compute: Compute) -> Result:
    """The regions of every page: text, titles, figures, tables, their captions, formulas, references, running heads."""
    return compute.run(context, "neo_assets.jobs.document_layout", profile="gpu", pages=pages)


@asset(kinds={"paddle", "parquet"}, partitions_def=document_batches, pool="documents")
def elements(context: Context, pages: Dataset, layout: Dataset, compute: Compute) -> Result:
    """What stands in every region: lines from the text layer or recognised, tables as HTML, formulas as LaTeX.

    Pictures of figures, tables and formulas are rows of the table `pictures`, under the names that their elements give.
    """
    return compute.run(context, "neo_assets.jobs.document_elements", profile="gpu", pages=pages, layout=layout)


@asset(kinds={"parquet"}, partitions_def=document_batches)
def ordered(elements: Dataset, recipe: Recipe) -> Relation:
    """The elements of every page in reading order: columns, bands, captions, footnotes; running heads marked."""
    return ordered_rows(elements.batches, recipe.documents.ordering)


@asset(kinds={"markdown", "parquet"}, partitions_def=document_batches)
def markdown(files: Dataset, ordered: Dataset, recipe: Recipe) -> Relation:
    """A document a row, as Markdown: sentences rejoined over lines, columns and pages; lists, tables, formulas.

    `blocks` says of every paragraph on which page and in which box its characters stand; `text` is what models read.
    """
    return markdown_rows(files.read(), ordered.batches, recipe.documents.markdown, recipe.documents.limits)


@asset(kinds={"markdown", "parquet"}, partitions_def=document_batches, pool="documents")
def corrected(context: Context, markdown: Dataset, compute: Compute) -> Result:
    """The same documents after a language model corrected what was recognised badly, if the recipe names one.

    The table `corrections` has every passage that was sent: before, after, the difference, and whether it was taken.
    """
    return compute.run(context, "neo_assets.jobs.document_correction", markdown=markdown)


@asset(kinds={"html", "matplotlib"}, partitions_def=document_batches)
def report(
    context: Context,
    files: Dataset,
    pages: Dataset,
    layout: Dataset,
    elements: Dataset,
    ordered: Dataset,
    markdown: Dataset,
    recipe: Recipe,
) -> Draft:
    """The gallery of a batch: pages with boxes and order drawn, beside their Markdown; confidences; worst pages."""
    stages = {"pages": pages, "layout": layout, "elements": elements, "ordered": ordered, "markdown": markdown}
    found = report_batch(context.partition_key, files, stages, recipe.documents.gallery_pages)
    return Draft(tables=found.tables, views={**found.files, "gallery.md": found.markdown.encode()})


@asset(kinds={"duckdb", "parquet"}, partitions_def=crawl_days, inputs={"corrected": ("documents/corrected", ALL)})
def arrived(context: Context, corrected: Dataset, engine: Engine) -> Relation:
    """Converted documents that arrived on a crawl day, with their language: from here on they are cleaned and
    deduplicated with the pages of the English and the Chinese line."""
    return engine.map(documents_of_day(engine, corrected, context.partition_key), IdentifyLanguage())
