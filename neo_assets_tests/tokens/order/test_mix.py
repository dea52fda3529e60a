from __future__ import annotations

import pickle
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.corpus import CorpusSection, MixtureSettings, SubsetSettings
from neo_assets.recipe.recipe import load_recipe
from neo_assets.text.sources import read_source
from neo_assets.tokens.exact import exact
from neo_assets.tokens.order.mix import (
    AssignSubset,
    assign_subset,
    mixture_table,
    repeat_factors,
    url_hosts,
)
from neo_assets.tokens.stages import demands_of
from neo_assets_tests.tokens.helpers import SEED_TEXT

SUBSETS = {
    "code": SubsetSettings(language="english", category="code", sources=("stack",)),
    "law_zh": SubsetSettings(language="chinese", category="book", hosts=("laws.test",)),
    "dump_law_en": SubsetSettings(language="english", category="book", sources=("dump",), hosts=("laws.test",)),
    "cc_en": SubsetSettings(language="english", category="common_crawl"),
    "cc_zh": SubsetSettings(language="chinese", category="common_crawl"),
}
WEIGHTS = {"code": 2.0, "law_zh": 0.5, "dump_law_en": 0.0, "cc_en": 1.0, "cc_zh": 2.3}
CORPUS = CorpusSection(subsets=SUBSETS, phases={"fundamental": MixtureSettings(weights=WEIGHTS)})


def naive(url: str | None, source: str | None, line: str) -> str:
    for name, subset in SUBSETS.items():
        host = (urlsplit(url).hostname or "") if url and "://" in url else ""
        on_host = any(host == h or host.endswith("." + h) for h in subset.hosts)
        takes_all = not subset.hosts and not subset.sources
        if subset.language == line and (takes_all or on_host or source in subset.sources):
            return name
    raise AssertionError


URLS = st.sampled_from(
    [
        None,
        "",
        "seed:code/a.py#b",
        "http://laws.test/1",
        "https://LAWS.test:8080/1?x=http://other.test",
        "http://www.laws.test",
        "http://user:pw@laws.test/",
        "http://notlaws.test/",
        "http://laws.test.evil.org/",
        "http://evil.org/laws.test",
        "http://evil.org/?laws.test",
        "http://[::1]:8000/laws.test",
        "not a url",
    ]
)


@given(
    st.lists(st.tuples(URLS, st.sampled_from([None, "stack", "dump", "other"]))),
    st.sampled_from(["english", "chinese"]),
)
def test_every_document_gets_the_first_subset_that_takes_it(
    rows: list[tuple[str | None, str | None]], line: str
) -> None:
    table = pa.table(
        {"url": pa.array([u for u, _ in rows], pa.string()), "source": pa.array([s for _, s in rows], pa.string())}
    )
    assert assign_subset(table, line, CORPUS.subsets).to_pylist() == [naive(u, s, line) for u, s in rows]  # type: ignore[arg-type]


def test_every_file_source_of_mini_is_in_its_own_subset() -> None:
    recipe = load_recipe("mini")
    expected = {"code": "code", "gutenberg": "book_en", "jargon": "reference_en", "constitution": "reference_en"}
    files = {name: source for name, source in recipe.english.sources.items() if source.path is not None}
    assert set(files) == set(expected)
    for name, settings in files.items():
        documents = read_source(name, settings, SEED_TEXT.parent)
        assert documents.num_rows > 0
        assert set(assign_subset(documents, "english", recipe.corpus.subsets).to_pylist()) == {expected[name]}


def test_a_given_source_overrules_the_column() -> None:
    table = pa.table({"url": ["http://a.test/"], "source": ["other"]})
    assert assign_subset(table, "english", CORPUS.subsets, "stack").to_pylist() == ["code"]


def test_kernel_adds_or_replaces_the_column_and_pickles() -> None:
    kernel = pickle.loads(pickle.dumps(AssignSubset(CORPUS.subsets, "chinese")))  # noqa: S301
    once = kernel(pa.RecordBatch.from_pydict({"url": ["http://laws.test/", "http://x.test/"]}))
    assert once.column("subset").to_pylist() == ["law_zh", "cc_zh"]
    assert kernel(once).equals(once)


def test_hosts() -> None:
    urls = pa.array(
        ["HTTP://Ex.Org/", "http://u:p@ex.org:1/", "http://[::1]:8/", "mailto:a@b.c", None, "http://ex.org?q"]
    )
    assert url_hosts(urls).to_pylist() == ["ex.org", "ex.org", "[::1]", "", "", "ex.org"]


def test_mixture_table_is_megatrons_integer_arithmetic() -> None:
    tokens = {"code": 101, "law_zh": 101, "dump_law_en": 7, "cc_en": 10, "cc_zh": 10}
    rows = mixture_table("fundamental", tokens, CORPUS).to_pylist()
    # 10 × 2.3 is 23 exactly, and 101 × 0.5 its whole part, 50 (MAP-Neo parse_mixture: int(tokens × factor)).
    assert [row["weighted_tokens"] for row in rows] == [202, 50, 0, 10, 23]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert rows[3]["category_share"] == pytest.approx(33 / 285)
    assert exact(0.1) * 10 == 1


@pytest.mark.parametrize(("phase", "published"), [("fundamental", 0.1477), ("decay", 0.1704)])
def test_matrix_figures_give_the_published_share_of_code(phase: str, published: float) -> None:
    """Published of the 4.7 T tokens of Matrix: 52.55 % Common Crawl, 22.29 % code (paper §4); of what the phases read:
    14.77 % and 17.04 % code (§6). How the rest divides is unknown; it does not matter to the share of code."""
    corpus, training = load_recipe("matrix").corpus, load_recipe("matrix").training
    shares = {**corpus.published_shares, "wiki": 1 - sum(corpus.published_shares.values())}
    assert corpus.published_shares == {"common_crawl": 0.5255, "code": 0.2229}
    assert corpus.phases[phase].published_shares == {"code": published}
    first = {subset.category: name for name, subset in reversed(corpus.subsets.items())}
    tokens = dict.fromkeys(corpus.subsets, 0)
    for category, share in shares.items():
        tokens[first[category]] = round(4.69e12 * share)  # 64 bits throughout: far above 2^31
    rows = [row for row in mixture_table(phase, tokens, corpus).to_pylist() if row["category"] == "code"]
    assert sum(row["share"] for row in rows) == pytest.approx(published, abs=1e-9)
    assert {row["published_category_share"] for row in rows} == {published}
    # The recipe's own factors alone (code twice, then once) give another: the published bases are not of one corpus.
    mixture = corpus.phases[phase].model_copy(update={"shares": {}})
    plain = corpus.model_copy(update={"phases": {**corpus.phases, phase: mixture}})
    given = [row for row in mixture_table(phase, tokens, plain).to_pylist() if row["category"] == "code"]
    assert given[0]["category_share"] == pytest.approx({"fundamental": 0.4458 / 1.2229, "decay": 0.2229}[phase])
    [demand] = [d for d in demands_of(training.phases, corpus.phases, corpus.subsets, tokens) if d.phase == phase]
    assert demand.factors == {
        row["subset"]: row["repeat_factor"] for row in mixture_table(phase, tokens, corpus).to_pylist()
    }


def test_a_share_scales_the_weights_of_its_category() -> None:
    """By hand: read are 200 of code, 50 of book, 33 of Common Crawl."""
    tokens = {"code": 100, "law_zh": 101, "dump_law_en": 7, "cc_en": 10, "cc_zh": 10}
    scaled = repeat_factors(tokens, SUBSETS, MixtureSettings(weights=WEIGHTS, shares={"code": 0.1}))
    # A tenth of all is a ninth of the other 83: 83 / 9 / 200 of what is read now.
    assert scaled == {**WEIGHTS, "code": 0.092222222}
    scaled = repeat_factors(tokens, SUBSETS, MixtureSettings(weights=WEIGHTS, shares={"common_crawl": 0.1}))
    # 250 / 9 / 33 = 0.8417508417…, of weights 1 and 2.3.
    assert scaled == {**WEIGHTS, "cc_en": 0.841750842, "cc_zh": 1.936026936}
    assert repeat_factors(tokens, SUBSETS, MixtureSettings(weights=WEIGHTS)) == WEIGHTS


def test_a_share_that_no_factor_gives_is_refused() -> None:
    tokens = dict.fromkeys(SUBSETS, 0) | {"code": 10}
    with pytest.raises(ValueError, match="no tokens of the rest to give a share"):
        repeat_factors(tokens, SUBSETS, MixtureSettings(weights=WEIGHTS, shares={"code": 0.1}))
    with pytest.raises(ValueError, match="no tokens of book to give a share"):
        repeat_factors(tokens | {"cc_en": 9}, SUBSETS, MixtureSettings(weights=WEIGHTS, shares={"book": 0.1}))
    with pytest.raises(ValueError, match="leave something for the rest"):
        MixtureSettings(weights=WEIGHTS, shares={"code": 0.5, "book": 0.5})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subsets": {"a": SUBSETS["code"]}}, "english has no catch-all"),
        ({"subsets": {"a": SUBSETS["cc_en"], "b": SUBSETS["code"]}}, "b can never take a document"),
        ({"phases": {"p": {"weights": {**WEIGHTS, "typo": 1.0}}}}, "unknown subsets: typo"),
        ({"phases": {"p": {"weights": {"code": 1.0}}}}, "lacks cc_en, cc_zh"),
        ({"phases": {"p": {"weights": dict.fromkeys(WEIGHTS, 0.0)}}}, "every weight is 0"),
        ({"phases": {"p": {"weights": {**WEIGHTS, "code": -1.0}}}}, "weight of code is -1"),
        ({"subsets": {"a": {"language": "english", "category": "code", "hosts": ["http://x.org"]}}}, "bare lower-case"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CorpusSection.model_validate({"subsets": SUBSETS, "phases": {"p": {"weights": WEIGHTS}}, **change})
