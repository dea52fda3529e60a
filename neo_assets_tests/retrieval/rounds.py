"""Small rounds of the loop, and what each statement of a round says in plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from neo_assets.recipe.supplement import RecallSettings, ReviewSettings
from neo_assets.retrieval.model import JUDGEMENT_SCHEMA, POSITIVE_SCHEMA, SCORE_SCHEMA, THRESHOLD_SCHEMA

Row = dict[str, Any]

REVIEW = ReviewSettings(default_threshold=0.7, floor=0.5, edges=(0.5, 0.7, 0.9))
SITES = ("http://a.test", "https://b.test:81", "https://c.test")


@dataclass(frozen=True)
class Round:
    """The tables that a round starts from, as rows."""

    scored: list[Row]
    judgements: list[Row] = field(default_factory=list)
    threshold: float | None = 0.7
    recall: RecallSettings = field(default_factory=RecallSettings)

    def tables(self) -> dict[str, pa.Table]:
        chosen = {"threshold": self.threshold, "chosen": True, "precision": 0.97, "low": 0.9, "high": 0.99}
        others = [{"threshold": 0.6, "chosen": False}, {"threshold": 0.99, "chosen": False}]
        return {
            "scored": table(self.scored, SCORE_SCHEMA),
            "judgements": table(self.judgements, JUDGEMENT_SCHEMA),
            "thresholds": table([*others, chosen] if self.threshold else [], THRESHOLD_SCHEMA),
        }


def table(rows: Iterable[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schema)


def page(doc_id: str, site: str = SITES[0], score: float = 0.8, collected: bool = False, key: float = 0.5) -> Row:
    where = {"doc_id": doc_id, "url": f"{site}/{doc_id}", "base_url": site, "title": f"title of {doc_id}"}
    return where | {"score": score, "collected": collected, "sample_key": key}


def judgement(of: Row, belongs: bool | None) -> Row:
    said = None if belongs is None else f'{{"belongs": {str(belongs).lower()}, "reason": "it\'s so"}}'
    return {name: of[name] for name in of if name != "sample_key"} | {"belongs": belongs, "said": said}


def positive(of: Row, how: str = "seed", round_number: int = 0) -> Row:
    return {name: of[name] for name in ("doc_id", "url", "base_url")} | {"how": how, "round": round_number}


PAGES = st.lists(
    st.tuples(
        st.sampled_from(SITES),
        st.sampled_from([0.0, 0.49, 0.5, 0.65, 0.7, 0.700001, 0.8, 1.0]),
        st.booleans(),
        st.sampled_from([0.1, 0.5, 0.9]),
        st.sampled_from(["unasked", "yes", "no", "failed"]),
    ),
    max_size=12,
)

RECALLS = st.builds(
    RecallSettings,
    hit_rate=st.sampled_from([0.1, 0.5]),
    min_pages=st.integers(1, 3),
    min_confirmed=st.sampled_from([0.0, 0.5, 1.0]),
    annotated_per_base_url=st.integers(0, 3),
)


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    """Any round: no page, no threshold, pages at the threshold and at the floor, failed judgements."""
    scored, judgements = [], []
    for number, (site, score, collected, key, said) in enumerate(draw(PAGES)):
        scored.append(page(f"d{number:02d}", site, score, collected, key))
        if said != "unasked" and not collected:
            judgements.append(judgement(scored[-1], {"yes": True, "no": False}.get(said)))
    return Round(scored, judgements, draw(st.sampled_from([0.7, 0.8, None])), draw(RECALLS))


def naive_sites(a_round: Round) -> list[Row]:
    """`SITE_SCHEMA`, base URL by base URL."""
    found: list[Row] = []
    settings, bar = a_round.recall, a_round.threshold
    refused = {row["doc_id"] for row in a_round.judgements if row["belongs"] is False}
    for site in sorted({row["base_url"] for row in a_round.scored}):
        pages = [row for row in a_round.scored if row["base_url"] == site]
        above = [row for row in pages if bar is not None and row["score"] > bar]
        if not above:
            continue
        hits = [row for row in above if row["doc_id"] not in refused]
        answers = [
            row["belongs"]
            for row in a_round.judgements
            if row["base_url"] == site and row["belongs"] is not None and row["score"] >= REVIEW.floor
        ]
        foreign = bool(answers) and sum(answers) / len(answers) < settings.min_confirmed
        rate = len(hits) / len(pages)
        found.append(
            {
                "base_url": site,
                "pages": len(pages),
                "hits": len(hits),
                "hit_rate": rate,
                "new_hits": sum(not row["collected"] for row in hits),
                "judged": len(answers),
                "confirmed": sum(answers),
                "foreign": foreign,
                "specific": rate > settings.hit_rate and len(pages) >= settings.min_pages and not foreign,
            }
        )
    return found


def naive_rules(a_round: Round) -> dict[str, str | None]:
    """The rule that rejects each page at or above the floor, or None."""
    found: dict[str, str | None] = {}
    foreign = {row["base_url"] for row in naive_sites(a_round) if row["foreign"]}
    refused = {row["doc_id"] for row in a_round.judgements if row["belongs"] is False}
    for row in a_round.scored:
        if a_round.threshold is None or row["score"] < REVIEW.floor:
            continue
        rule = None
        if not row["collected"]:
            if row["score"] <= a_round.threshold:
                rule = "confidence"
            elif row["doc_id"] in refused:
                rule = "judge"
            elif row["base_url"] in foreign:
                rule = "base_url"
        found[row["doc_id"]] = rule
    return found


def naive_revisited(a_round: Round) -> list[str]:
    """The ids of the other pages of specific base URLs that are asked about."""
    rules, found = naive_rules(a_round), []
    for site in (row["base_url"] for row in naive_sites(a_round) if row["specific"]):
        others = [
            row
            for row in a_round.scored
            if row["base_url"] == site and not row["collected"] and rules.get(row["doc_id"], "below the floor")
        ]
        others.sort(key=lambda row: (row["sample_key"], row["doc_id"]))
        found += [row["doc_id"] for row in others[: a_round.recall.annotated_per_base_url]]
    return sorted(found)


def seeds_of(pages: Iterable[Row]) -> pa.Table:
    return table([positive(row) for row in pages], POSITIVE_SCHEMA)
