"""What the supplement asks of an engine in a round, on pages of a few sites."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pyarrow as pa

from neo_assets.dedup.judge_against import judge_against
from neo_assets.dedup.minhash import BandKeys, Signatures
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.recipe.dedup import NearSettings
from neo_assets.recipe.supplement import RecallSettings, ReviewSettings, SamplingSettings
from neo_assets.retrieval.model import (
    JUDGEMENT_SCHEMA,
    POSITIVE_SCHEMA,
    SCORE_SCHEMA,
    SEED_SCHEMA,
    THRESHOLD_SCHEMA,
    sample_key,
)
from neo_assets.retrieval.recall import positives_sql, recalled_sql, revisited_sql, sites_sql
from neo_assets.retrieval.review import Strata, review_sql, strata_sql
from neo_assets.retrieval.sampling import drawn_sql
from neo_assets.retrieval.stages.collected import COLLECTED, FOUND, members_sql, newcomers_sql
from neo_assets.retrieval.stages.pool import KNOWN
from neo_assets.retrieval.stages.recalls import ASKED
from neo_assets.retrieval.stages.reviews import CHOSEN
from neo_assets.retrieval.stages.samples import CANDIDATES, SAMPLE
from neo_assets.retrieval.stages.seeds import KNOWN_AT_FIRST, seeds_sql

N = 150
REVIEW = ReviewSettings(pages_per_stratum=8)
RECALL = RecallSettings(judged_per_base_url=2, annotated_per_base_url=3)
NEAR = NearSettings(normalisation="none", shingle_chars=5, num_permutations=64, bands=16, rows=4, threshold=0.7)
TEXTS = ("Let f be continuous. ", "第一条 为了规范。", "naïve \\n 'quoted' 50% 🦆 ")


def pages() -> list[dict[str, Any]]:
    draw = random.Random(3)
    found = []
    for number in range(N):
        site = f"https://{'abcdefgh'[number % 8]}.test"
        url, text = f"{site}/{number}?q=ü", draw.choice(TEXTS) * draw.randrange(1, 9) + str(draw.random())
        found.append(
            {"doc_id": f"d:{number:04}", "url": url, "base_url": site, "title": draw.choice(("t", None)), "text": text,
             "text_digest": hashlib.sha256(text.encode()).hexdigest(), "sample_key": sample_key(1, "x", url),
             "site_key": sample_key(1, "x", site), "score": round(draw.random(), 6), "collected": draw.random() < 0.2}
        )  # fmt: skip
    return found


def table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def with_columns(rows: list[dict[str, Any]], names: str, **given: pa.Array) -> pa.Table:
    made = pa.Table.from_pylist([{name: row[name] for name in names.split()} for row in rows])
    for name, column in given.items():
        made = made.append_column(name, column)
    return made


def drawn(engine: Engine, rows: list[dict[str, Any]]) -> list[Relation]:
    """Seeds and sample."""
    seeds = [{**row, "source": "crawl", "licence": "own"} for row in rows[::9]]
    keyed = table(seeds, SEED_SCHEMA).append_column("sample_key", pa.array([row["sample_key"] for row in seeds]))
    collected = engine.query(seeds_sql(12), files=keyed.slice(0, 4), crawled=keyed.slice(4))
    positives = engine.query(KNOWN_AT_FIRST, seeds=collected)
    known = engine.query(KNOWN, positives=positives)
    bare = engine.attach(with_columns(rows, "doc_id url base_url sample_key site_key"), known)
    outside = with_columns(rows[:5], "url base_url sample_key site_key", doc_id=pa.array([f"s:{n}" for n in range(5)]))
    candidates = engine.query(CANDIDATES, pages=bare, texts=outside)
    sample = engine.query(
        drawn_sql(SamplingSettings(per_class=20, valid_share=0.2, test_share=0.2)), candidates=candidates
    )
    texts = pa.array([row["text"] for row in rows])
    lined = engine.attach(with_columns(rows, "doc_id url base_url", line=texts), sample)
    assert isinstance(lined, pa.Table)
    return [sample, engine.query(SAMPLE, pages=lined.slice(20), texts=lined.slice(0, 20))]


def recalled(engine: Engine, rows: list[dict[str, Any]]) -> list[Relation]:
    """Review, base URLs, recall, revisits, positives."""
    draw = random.Random(4)
    scored = table(rows, SCORE_SCHEMA)
    graded = engine.map(scored, Strata(REVIEW.edges))
    review = engine.query(review_sql(REVIEW, RECALL), scored=graded)
    said = [
        {**row, "belongs": draw.choice((True, True, False, None)), "said": draw.choice(('{"belongs": true}', None))}
        for row in rows
        if draw.random() < 0.4
    ]
    judgements = table(said, JUDGEMENT_SCHEMA)
    thresholds = table([{"threshold": 0.6, "chosen": True}, {"threshold": 0.9, "chosen": False}], THRESHOLD_SCHEMA)
    sites = engine.query(sites_sql(REVIEW, RECALL), scored=scored, judgements=judgements, thresholds=thresholds)
    relations = {"scored": scored, "judgements": judgements, "thresholds": thresholds, "sites": sites}
    found = engine.query(recalled_sql(REVIEW, RECALL), **relations)
    others = engine.query(revisited_sql(RECALL), scored=scored, sites=sites, recalled=found)
    before = table([{**row, "how": "seed", "round": 0} for row in rows[::9]], POSITIVE_SCHEMA)
    return [
        engine.query(CHOSEN, review=review, scored=scored),
        engine.query(strata_sql(REVIEW), scored=graded),
        engine.query(ASKED, others=others),
        engine.query(positives_sql(1), positives=before, recalled=found, annotations=judgements),
    ]


def added(engine: Engine, rows: list[dict[str, Any]]) -> list[Relation]:
    """What is collected, and what of it the line has not."""
    found = engine.query(
        FOUND, positives=table([{**row, "how": "recalled", "round": 1} for row in rows], POSITIVE_SCHEMA)
    )
    names = "doc_id url base_url title text text_digest"
    half = pa.array([("a", "b")[n % 2] for n in range(len(rows))])
    marked = engine.attach(with_columns(rows, names, domain=half, line=pa.array(["english"] * len(rows))), found)
    collected = engine.query(COLLECTED, pages=marked)
    line = with_columns(rows[:60], names, precedence=pa.array([row["doc_id"] for row in rows[:60]]))
    bands = engine.map(line, Signatures(NEAR), BandKeys(NEAR))
    new = judge_against(engine, collected, line, bands, NEAR)  # type: ignore[arg-type]  # tables will do here
    return [
        new,
        engine.query(members_sql("english"), collected=collected),
        engine.query(newcomers_sql("english"), found=collected),
    ]


def supplement(engine: Engine) -> list[Relation]:
    """All of it."""
    rows = pages()
    return [*drawn(engine, rows), *recalled(engine, rows), *added(engine, rows)]
