"""A funnel as a chart and as Markdown, for the UI and for the README."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from neo_assets.metadata import markdown_table
from neo_assets.plots import KEPT_COLOUR, REJECTED_COLOUR, png
from neo_assets.text.funnel import Funnel, is_outside

REASONS_SHOWN = 15
REASONS_NAMED = 5
PUBLISHED_COLOUR = "#b0b7bf"


def funnel_files(funnel: Funnel) -> dict[str, bytes]:
    """The files of a funnel by name."""
    return {"funnel.png": funnel_chart(funnel), "funnel.md": funnel_markdown(funnel).encode()}


def funnel_markdown(funnel: Funnel) -> str:
    """The stages beside the published ones, whether all rows are accounted for, and the reasons."""
    stages = [
        {
            "stage": row["stage"], "in": _count(row["documents_in"]), "kept": _count(row["kept"]),
            "rejected": _count(row["rejected"]), "quarantined": _count(row["quarantined"]),
            "% of raw": _percent(row["share_of_raw"]), "MAP-Neo, % of raw": _percent(row["published_share_of_raw"]),
            "characters kept": _count(row["characters"]), "% of characters": _percent(row["characters_share"]),
        }
        for row in funnel.rows.to_pylist()
    ]  # fmt: skip
    reasons = [
        {"stage": r["stage"], "verdict": r["outcome"], "rule": r["rule"], "documents": _count(r["documents"]),
         "% of stage's input": _percent(r["share_of_in"])}
        for r in funnel.reasons.to_pylist()
    ]  # fmt: skip
    accounted = (
        "Every document is accounted for: kept, rejected or in quarantine, and each stage took in exactly what the one "
        f"before kept. Not counted as raw: {funnel.outside:,} documents in another language."
        if not funnel.leaks
        else "**Documents are not accounted for:**\n\n" + "\n".join(f"- {leak}" for leak in funnel.leaks[:20])
    )
    return f"{markdown_table(stages)}\n\n{accounted}\n\n{markdown_table(reasons)}\n"


def readme_section(rows: Mapping[str, pa.Table], reasons: Mapping[str, pa.Table]) -> str:
    """The funnels of the lines (by name), side by side and beside MAP-Neo's, and what rejected most, as Markdown."""
    lines = {line: {row["stage"]: row for row in table.to_pylist()} for line, table in rows.items()}
    stages = list(dict.fromkeys(stage for found in lines.values() for stage in found))
    table: list[dict[str, Any]] = []
    for stage in sorted(stages, key=lambda name: _place(name, lines)):
        shown: dict[str, Any] = {"after the stage": stage}
        for line, found in lines.items():
            row = found.get(stage)
            shown |= {
                f"{line.capitalize()}, documents": _count(row["kept"]) if row else "",
                f"{line.capitalize()}, % of raw": _percent(row["share_of_raw"]) if row else "",
                f"MAP-Neo {line.capitalize()}, %": _percent(row["published_share_of_raw"]) if row else "",
            }
        table.append(shown)
    most = [f"- {line.capitalize()}: {_most(found)}." for line, found in reasons.items()]
    return f"{markdown_table(table)}\n\nRejected most, by first failing rule:\n\n" + "\n".join(most)


def funnel_chart(funnel: Funnel) -> bytes:
    """PNG: left the share of the raw data kept after each stage, ours and MAP-Neo's; right the commonest reasons."""
    from matplotlib.figure import Figure

    rows = [row for row in funnel.rows.to_pylist() if row["share_of_raw"] is not None]
    reasons = _commonest(funnel.reasons)[:REASONS_SHOWN]
    height = 0.9 + max(0.55 * len(rows), 0.24 * len(reasons), 1.5)
    figure = Figure(figsize=(11, height), layout="constrained")
    stages, why = figure.subplots(1, 2, width_ratios=(1.1, 1))
    for place, row in enumerate(rows):
        published = row["published_share_of_raw"]
        _bar(stages, place - 0.19, row["share_of_raw"], KEPT_COLOUR, _count(row["kept"]))
        if published is not None:
            _bar(stages, place + 0.19, published, PUBLISHED_COLOUR, "")
    stages.set_yticks(range(len(rows)), [row["stage"] for row in rows], fontsize=9)
    stages.set_ylim(len(rows) - 0.5, -0.5)
    stages.set_xlim(0, 130)
    stages.set_xticks(range(0, 101, 20))
    stages.set_xlabel("% of the raw documents kept so far")
    keys = [_patch(KEPT_COLOUR, f"this lake, {funnel.line}"), _patch(PUBLISHED_COLOUR, "MAP-Neo, published")]
    figure.legend(handles=keys, fontsize=8, loc="outside upper left", ncols=2, frameon=False)
    why.barh(range(len(reasons)), [row["documents"] for row in reasons], 0.7, color=REJECTED_COLOUR)
    why.set_yticks(range(len(reasons)), [f"{row['stage']}: {row['rule']}" for row in reasons], fontsize=8)
    why.set_ylim(max(len(reasons), 1) - 0.4, -0.6)
    why.set_xlabel("documents not kept, by first failing rule")
    for place, row in enumerate(reasons):
        _annotate(why, _count(row["documents"]), row["documents"], place)
    why.margins(x=0.12)
    for axes in (stages, why):
        axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def _bar(axes: Any, place: float, share: float, colour: str, count: str) -> None:
    axes.barh(place, 100 * share, 0.36, color=colour)
    _annotate(axes, f"{_percent(share)} %" + (f"  ({count})" if count else ""), 100 * share, place)


def _annotate(axes: Any, label: str, width: float, place: float) -> None:
    axes.annotate(label, (width, place), (3, 0), textcoords="offset points", va="center", fontsize=7)


def _patch(colour: str, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=label)


def _place(stage: str, lines: Mapping[str, Mapping[str, Any]]) -> int:
    """Where a stage comes: as late as in any line."""
    return max(list(found).index(stage) for found in lines.values() if stage in found)


def _commonest(reasons: pa.Table) -> list[dict[str, Any]]:
    """Reasons but that of another language, the commonest first."""
    ours = [row for row in reasons.to_pylist() if not is_outside(row)]
    return sorted(ours, key=lambda row: -row["documents"])


def _most(reasons: pa.Table) -> str:
    return ", ".join(f"`{r['rule']}` {r['documents']:,}" for r in _commonest(reasons)[:REASONS_NAMED]) or "nothing"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return f"{100 * share:.0f}" if round(100 * share, 1) == round(100 * share) else f"{100 * share:.1f}"
