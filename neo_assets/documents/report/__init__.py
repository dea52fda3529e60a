"""The look of a batch: pages with their regions in order beside their Markdown, confidences, costs, what was lost."""

from neo_assets.documents.report.facts import FACT_SCHEMA, Stages
from neo_assets.documents.report.report import NOT_KEPT_SCHEMA, Report, report

__all__ = ["FACT_SCHEMA", "NOT_KEPT_SCHEMA", "Report", "Stages", "report"]
