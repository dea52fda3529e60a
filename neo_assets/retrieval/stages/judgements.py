"""Asking the judge: one judgement for each page that it shall look at."""

from __future__ import annotations

from neo_assets.engine.relation import Draft, Streamed
from neo_assets.judges.answers import answers_folder
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.supplement import DomainSettings, JudgeSettings
from neo_assets.retrieval.judging import judge_for, judged
from neo_assets.retrieval.model import JUDGEMENT_SCHEMA, WORD_SCHEMA


def judge_review(review: Dataset, classifier: Dataset, domain: DomainSettings, settings: JudgeSettings) -> Draft:
    """`JUDGEMENT_SCHEMA`, in the order of the review; a page without an answer goes to quarantine.

    Answers of a server or a model are kept outside the lake, so that a second run asks only for what is missing.
    """
    words = classifier.named("words").read() if classifier.named("words").parts else WORD_SCHEMA.empty_table()
    answers = None if settings.kind == "embedded" else answers_folder(settings.endpoint or "local", str(settings.model))
    judge = judge_for(settings, domain.description, domain.hints, words, answers, language=domain.language)
    rows = Streamed(JUDGEMENT_SCHEMA, lambda: judged(review.batches(), judge, domain.description))
    return Draft(tables={"rows": rows}, metadata={"judge": judge.name, "model": judge.model})
