"""Chinese conformance: which system gives the right verdict on which kind of Chinese document.

    python -m benchmarks.conformance [--output FOLDER]

Every system judges the cases of `benchmarks.conformance_cases` with the configuration that its project documents for
Chinese, or the nearest to one; what was left out or set is stated in its adapter, in favour of the system. Language
and confidence come from the same fastText model for all. A cell counts right verdicts of all cases of the aspect;
the second table names each wrong one: `+` is kept though it should go, `-` is removed though it should stay, with the
filter that did it. An error counts as a wrong verdict.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.conformance_cases import Case, cases
from benchmarks.peers.environments import OURS, PEERS, REFERENCE, Peer, absent, ask
from benchmarks.report import RESULTS, write_report
from neo_assets.web.language import identify

LABELLED_SCORE = 0.9
"""Confidence in a language that the site itself names."""
NOT_COMPARED = {"data-juicer": {"obscene words": "its list and word model would be downloaded"}}
Verdicts = dict[str, str]
"""Why each case is rejected, by identity; an empty text for a case that is kept."""


def main() -> None:
    """Asks every installed system and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    chosen = parser.parse_args()
    known = cases()
    asked = [(peer, found) for peer in (OURS, *PEERS) if (found := verdicts(peer, known)) is not None]
    columns = ("aspect", *(peer.title for peer, _ in asked))
    rows = summary(known, asked)
    for row in (columns, *rows):
        print("  ".join(cell.ljust(14) for cell in row))
    print(write_report("conformance", "Chinese conformance", columns, rows, details(known, asked), chosen.output))


def verdicts(peer: Peer, known: Sequence[Case]) -> Verdicts | None:
    """The system's verdict on each case; nothing if it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.jsonl"
        lines = (json.dumps(record(case), ensure_ascii=False) for case in known)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = ask(peer, ["--input", str(file), "--language", "chinese", "--verdicts"])
    return None if found is None else {answer["id"]: answer["reason"] for answer in found}


def record(case: Case) -> dict[str, Any]:
    """The case as an adapter reads it: with its language as identified, or as its site names it."""
    language, score = identify(case.text) if case.language is None else (case.language, LABELLED_SCORE)
    return {"id": case.identity, "text": case.text, "language": language, "language_score": score}


def is_right(case: Case, reason: str) -> bool:
    """Whether the verdict is the case's."""
    return not reason.startswith("error:") and (reason != "") == (case.verdict == "reject")


def compared(case: Case, peer: Peer) -> bool:
    """Whether the case counts for the system."""
    return case.aspect not in NOT_COMPARED.get(peer.title, {}) and not (case.house and peer not in (OURS, REFERENCE))


def summary(known: Sequence[Case], asked: Sequence[tuple[Peer, Verdicts]]) -> list[tuple[str, ...]]:
    """Right verdicts by aspect and system, and in total."""
    aspects = list(dict.fromkeys(case.aspect for case in known))
    groups = [(aspect, [case for case in known if case.aspect == aspect]) for aspect in aspects]
    return [
        (f"{aspect} ({len(group)})", *(_count(group, peer, found) for peer, found in asked))
        for aspect, group in (*groups, ("**all**", list(known)))
    ]


def _count(group: Sequence[Case], peer: Peer, found: Verdicts) -> str:
    counted = [case for case in group if compared(case, peer)]
    return f"{sum(is_right(case, found[case.identity]) for case in counted)}/{len(counted)}" if counted else "–"


def details(known: Sequence[Case], asked: Sequence[tuple[Peer, Verdicts]]) -> str:
    """How to read the table, and every wrong verdict."""
    titles = [peer.title for peer, _ in asked]
    lines = [(__doc__ or "").split("\n\n")[-1].strip(), ""]
    lines += [f"Not installed, so not asked: {', '.join(missing)}.", ""] if (missing := absent()) else []
    lines += [
        f"Not compared: {title}, {aspect}: {why}."
        for title, why_of in NOT_COMPARED.items()
        for aspect, why in why_of.items()
    ]
    lines += ["", f"| case | right | {' | '.join(titles)} |", f"| --- | --- |{' --- |' * len(titles)}"]
    for case in known:
        cells = [_cell(case, peer, found[case.identity]) for peer, found in asked]
        lines.append(f"| {case.identity}: {case.why} | {case.verdict} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(case: Case, peer: Peer, reason: str) -> str:
    if not compared(case, peer):
        return "–"
    if is_right(case, reason):
        return ""
    if reason.startswith("error:"):
        return reason.split(": ")[1]
    return f"- {reason}" if reason else "+"


if __name__ == "__main__":
    main()
