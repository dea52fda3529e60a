"""What is in the lake, on one screen: documents per stage, tokens, losses, scores, where to look."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from neo_assets.lake.lake import Lake

BARS = "▁▂▃▄▅▆▇█"
AREAS = ("crawl", "documents", "english", "chinese", "supplement", "corpus")


def render(lake: Lake, console: Console) -> None:
    """Print the summary; parts whose assets are not there yet are left out."""
    for part in (_stages(lake), _tokens(lake), _losses(lake), _scores(lake)):
        for block in part:
            console.print(block)
    console.print(f"lake {lake.root}")


def _stages(lake: Lake) -> Iterator[Table]:
    table = Table("stage", "partitions", "documents in", "kept", "rejected", "quarantined", title="Documents")
    for area in AREAS:
        for asset in (name for name in lake.assets() if name.startswith(f"{area}/")):
            manifests = lake.whole(asset).manifests
            counts = [m.counts for m in manifests if m.counts]
            if counts:
                sums = [sum(getattr(c, n) for c in counts) for n in ("rows_in", "kept", "rejected", "quarantined")]
                table.add_row(asset, str(len(manifests)), *(f"{n:,}" for n in sums))
    if table.row_count:
        yield table


def _tokens(lake: Lake) -> Iterator[Table]:
    statistics = lake.dataset("training/token_statistics")
    if statistics:
        table = Table("subset", "documents", "tokens", "share", title="Tokens")
        for row in statistics.read().to_pylist():
            table.add_row(row["subset"], f"{row['documents']:,}", f"{row['tokens']:,}", f"{row['share']:.1%}")
        yield table


def _losses(lake: Lake) -> Iterator[str]:
    metrics = lake.dataset("training/metrics")
    if metrics:
        losses = metrics.read(["loss"])["loss"].to_pylist()
        entropy = metrics.metadata["unigram entropy"]
        yield f"\nLoss {losses[0]:.2f} {sparkline(losses, 60)} {losses[-1]:.2f}   unigram entropy {entropy:.2f} nats"


def _scores(lake: Lake) -> Iterator[Table]:
    reports = lake.whole("evaluation/report").manifests
    if reports:
        first, last = reports[0].metadata["scores"], reports[-1].metadata["scores"]
        columns = ("task", "metric", "chance", str(reports[0].partition), str(reports[-1].partition), "standard error")
        table = Table(*columns, title="Scores")
        for before, after in zip(first, last, strict=True):
            numbers = (after["chance"], before["value"], after["value"], after["stderr"])
            table.add_row(after["task"], after["metric"], *("" if n is None else f"{n:.3f}" for n in numbers))
        yield table


def sparkline(values: list[float], width: int) -> str:
    """Means of `width` equal stretches of the values as bars."""
    n = min(width, len(values))
    means = [
        sum(part) / len(part) for i in range(n) if (part := values[i * len(values) // n : (i + 1) * len(values) // n])
    ]
    low, high = min(means), max(means)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((mean - low) * scale)] for mean in means)
