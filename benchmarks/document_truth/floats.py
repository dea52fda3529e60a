"""Tables and drawings of simulated documents: what a float shows, drawn by chance."""

from __future__ import annotations

import random

WORDS = {
    "en": (
        "Total", "North", "South", "Budget", "Income", "Households", "Rate (%)", "Region", "Cost", "1st quarter",
        "2nd quarter", "Share", "Quality", "Samples", "Mean", "Median",
    ),
    "zh": (
        "合计", "北京", "上海", "预算", "收入", "户数", "比率（%）", "地区", "成本", "第一季度",
        "第二季度", "占比", "质量", "样本", "均值", "中位数",
    ),
}  # fmt: skip


def table_html(chance: random.Random, language: str, most_columns: int) -> str:
    """A table with a head, of words and numbers; one in three has a cell over two columns or rows."""
    n_columns, n_rows = chance.randrange(3, most_columns + 1), chance.randrange(3, 7)
    words = list(WORDS[language])
    chance.shuffle(words)
    head = "".join(f"<th>{words.pop()}</th>" for _ in range(n_columns))
    spans = chance.random() < 0.34
    if spans:
        head = f'<th rowspan="2">{words.pop()}</th><th colspan="{n_columns - 1}">{words.pop()}</th>'
        head += "</tr><tr>" + "".join(f"<th>{chance.randrange(1990, 2026)}</th>" for _ in range(n_columns - 1))
    rows = []
    for _ in range(n_rows):
        cells = [words.pop() if words else str(chance.randrange(1, 99))]
        cells += [
            chance.choice((f"{chance.uniform(0, 100):.2f}", f"{chance.randrange(100, 99999):,}"))
            for _ in range(n_columns - 1)
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def figure_svg(chance: random.Random, width: int, height: int, language: str, place: int) -> str:
    """A chart of bars or a curve with labelled axes."""
    n_bars = chance.randrange(4, 8)
    colour = chance.choice(("#4472a8", "#777", "#b5533c", "#5a8f5a"))
    step = (width - 50) / n_bars
    heights = [chance.uniform(0.2, 0.95) * (height - 40) for _ in range(n_bars)]
    if chance.random() < 0.5:
        shapes = "".join(
            f'<rect x="{40 + i * step:.1f}" y="{height - 22 - one:.1f}" width="{step * 0.7:.1f}" height="{one:.1f}" '
            f'fill="{colour}"/>'
            for i, one in enumerate(heights)
        )
    else:
        points = " ".join(f"{40 + i * step:.1f},{height - 22 - one:.1f}" for i, one in enumerate(heights))
        shapes = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
    labels = "".join(
        f'<text x="{40 + i * step + step / 3:.1f}" y="{height - 8}" font-size="9" '
        f'text-anchor="middle">{2000 + i}</text>'
        for i in range(n_bars)
    )
    axes = f'<path d="M36 8V{height - 22}H{width - 8}" fill="none" stroke="black"/>'
    name = WORDS[language][chance.randrange(0, 6)]
    return (
        f'<svg width="{width}" height="{height}" data-text="{place}">{axes}{shapes}{labels}'
        f'<text x="{-height / 2:.0f}" y="14" font-size="9" text-anchor="middle" '
        f'transform="rotate(-90)">{name}</text></svg>'
    )
