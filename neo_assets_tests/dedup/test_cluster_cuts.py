"""What the cutting stages took out, against counts made one cut at a time."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.lake.lake import Lake
from neo_assets_tests.dedup.duplicates import SETTINGS, Duplicates, Layout, url

NAMES = [f"s:{n}" for n in range(6)]


@st.composite
def cut_documents(draw: st.DrawFn) -> Duplicates:
    """Two stages; each cuts up to three passages of what the one before left."""
    texts = {name: draw(st.text("天地玄黄 abc\n", min_size=12, max_size=12)) for name in NAMES}
    lengths, cuts = dict.fromkeys(NAMES, 12), {}
    for stage in ("paragraph", "substring"):
        cuts[stage] = {}
        for name in NAMES:
            edges = sorted(draw(st.lists(st.integers(0, lengths[name]), max_size=6, unique=True)))
            pairs = list(zip(edges[::2], edges[1::2], strict=False))
            cuts[stage][name] = [(start, end, draw(st.sampled_from(NAMES))) for start, end in pairs]
            lengths[name] -= sum(end - start for start, end in pairs)
    return Duplicates(texts, cuts=cuts)


def without(text: str, cuts: list[tuple[int, int, str]]) -> str:
    return "".join(c for place, c in enumerate(text) if not any(start <= place < end for start, end, _ in cuts))


@settings(max_examples=12)
@given(cut_documents(), st.builds(Layout, st.integers(1, 3), st.booleans(), st.sampled_from([1, 2, 100])))
def test_cuts_are_counted_and_the_commonest_shown(found: Duplicates, layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = found.report(Lake(folder), layout)
    came_in = dict(found.texts)
    counted, shown = [], []
    for stage, of_stage in found.cuts.items():
        every = [(name, *cut) for name, cuts in of_stage.items() for cut in cuts]
        counted.append(
            {
                "stage": f"{stage}_unique", "documents": len(NAMES), "documents_cut": len({name for name, *_ in every}),
                "cuts": len(every), "characters": sum(end - start for _, start, end, _ in every), "dropped_short": 1,
            }
        )  # fmt: skip
        by_survivor = defaultdict(list)
        for name, start, end, survivor in every:
            by_survivor[survivor].append((name, start, end))
        counts = Counter({survivor: len(cuts) for survivor, cuts in by_survivor.items()})
        for survivor in sorted(counts, key=lambda s: (-counts[s], s))[: SETTINGS.largest_clusters]:
            cuts = by_survivor[survivor]
            example, start, end = min(cuts)
            shown.append(
                {
                    "stage": f"{stage}_unique", "survivor": survivor, "url": url(survivor), "cuts": len(cuts),
                    "documents": len({name for name, *_ in cuts}),
                    "characters": sum(end - start for _, start, end in cuts),
                    "example": example, "start": start, "end": end, "sample": came_in[example][start:end],
                }
            )  # fmt: skip
        came_in = {name: without(text, list(of_stage[name])) for name, text in came_in.items()}
    assert report.cuts.to_pylist() == counted
    assert report.passages.to_pylist() == shown


def test_a_stage_without_cuts_has_a_row_of_its_own(tmp_path: Path) -> None:
    report = Duplicates({"s:0": "a"}, cuts={"line": {}}).report(Lake(str(tmp_path)))
    [row] = report.cuts.to_pylist()
    assert (row["stage"], row["documents"], row["documents_cut"], row["cuts"]) == ("line_unique", 1, 0, 0)
    assert report.passages.num_rows == 0
