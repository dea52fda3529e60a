"""The embedded judge: URL patterns and terms that the recipe gives, and the words that the round's sample speaks of.

It stands in for a language model where there is none, needs nothing but the round's own tables and always says the
same. Its words come from the sample that the classifier learned from, so it is no independent opinion of the text: what
it adds are the hints, and that it looks at an excerpt, not at n-grams. To check a domain in earnest, name a server or a
local model.

It adds up points, and says yes to more than `NEEDED`:

- words: the sum of log odds of the excerpt's distinct words (naive Bayes with equal priors, where words outside the
  table are neutral), over their number and `NEUTRAL_WORDS` more. A plain sum calls half of all foreign texts the
  domain's where a table of 200 words came from 6 documents, for nearly all words of such a table speak for the domain.
  Held-out excerpts of 1,500 characters: of 36 statutes, by 200 words from 6 documents of each class, all, and 7 % of
  other Chinese texts; of 49 Python pages, by 1,000 words from 40 of each, 98 %, and 2 % of other English texts.
- `URL_POINTS` where one of the patterns is found in the URL, which is enough by itself if the words are neutral;
- `TERM_POINTS` for each distinct term in title or excerpt, up to `MAX_TERMS`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.judges.model import JudgeRequest
from neo_assets.recipe.corpus import Line
from neo_assets.recipe.supplement import HintSettings
from neo_assets.retrieval.lines import line_of

RULES = "2"
"""Of the rules below; the version of a judge also tells its words and hints."""
NEEDED = 0.05
URL_POINTS = 0.15
TERM_POINTS = 0.03
MAX_TERMS = 4
NEUTRAL_WORDS = 20
"""Count beside those of the excerpt, so that three words decide nothing."""
MAX_URL_CHARS = 2000
LEAST_DOCUMENTS = 3
"""That a word stands in to have a say."""
N_NAMED = 3
"""Words that a reason names."""


@dataclass(frozen=True)
class WordJudge:
    """An `EmbeddedJudge` of one domain and round: reads the JSON of the prompt and answers as a model shall."""

    url_patterns: tuple[re.Pattern[str], ...]
    terms: tuple[str, ...]
    log_odds: dict[str, float] = field(repr=False)
    language: Line
    version: str

    @classmethod
    def of(cls, hints: HintSettings, words: pa.Table, language: Line) -> WordJudge:
        """The judge with the hints of a recipe and the words (`WORD_SCHEMA`) of a round's sample.

        Words of one or two documents are passed over: their odds are as large as they are uncertain.
        """
        seen = pc.greater_equal(pc.add(words["positives"], words["negatives"]), LEAST_DOCUMENTS)
        known_words = words.filter(seen)
        odds = dict(zip(known_words["word"].to_pylist(), known_words["log_odds"].to_pylist(), strict=True))
        known = json.dumps([hints.model_dump(mode="json"), sorted(odds.items()), language], ensure_ascii=True)
        digest = hashlib.sha256(known.encode()).hexdigest()[:12]
        patterns = tuple(re.compile(pattern) for pattern in hints.url_patterns)
        return cls(patterns, tuple(dict.fromkeys(hints.terms)), odds, language, f"{RULES}+{digest}")

    @property
    def name(self) -> str:
        """Of the judge."""
        return "words"

    def answer(self, request: JudgeRequest) -> str:
        """The JSON that the question asks for.

        Raises:
            ValueError: the prompt is not the JSON object of a page.
        """
        page = json.loads(request.prompt)
        if not isinstance(page, dict) or not all(isinstance(page.get(key), str) for key in ("url", "title", "excerpt")):
            raise ValueError("the prompt is no page: it needs url, title and excerpt")
        points, why = self.points(page["url"], page["title"], page["excerpt"])
        reason = f"{points:.3f} points, more than {NEEDED:g} are needed: {'; '.join(why) or 'nothing speaks for it'}"
        return json.dumps({"belongs": points > NEEDED, "reason": reason}, ensure_ascii=False)

    def points(self, url: str, title: str, excerpt: str) -> tuple[float, list[str]]:
        """What speaks for the domain less what speaks against it, and the parts of that sum in words."""
        text = f"{title}\n{excerpt}"
        points, named = self._word_points(text)
        why = [f"words {points:.3f} ({named})"] if named else []
        for pattern in self.url_patterns:
            if pattern.search(url[:MAX_URL_CHARS]):
                points += URL_POINTS
                why.append(f"URL {URL_POINTS:g} ({pattern.pattern})")
                break
        found = [term for term in self.terms if _holds(text, term)][:MAX_TERMS]
        if found:
            points += TERM_POINTS * len(found)
            why.append(f"terms {TERM_POINTS * len(found):g} ({', '.join(found)})")
        return points, why

    def _word_points(self, text: str) -> tuple[float, str]:
        words = sorted(set(line_of(text, self.language, len(text)).split()))
        odds = {word: self.log_odds[word] for word in words if word in self.log_odds}
        # In sorted order, so that the sum has the same last bit in every process.
        points = sum(odds.values()) / (len(words) + NEUTRAL_WORDS)
        strongest = sorted(odds, key=lambda word: (-abs(odds[word]), word))[:N_NAMED]
        return points, ", ".join(strongest)


def _holds(text: str, term: str) -> bool:
    """Whether the text has the term, not as a part of a longer word of Latin letters or digits."""
    before = r"(?<![0-9A-Za-z])" if re.match(r"[0-9A-Za-z]", term) else ""
    after = r"(?![0-9A-Za-z])" if re.search(r"[0-9A-Za-z]\Z", term) else ""
    return re.search(f"{before}{re.escape(term)}{after}", text) is not None
