"""The matrix recipe holds the published figures. Sections (§) are those of arXiv 2405.19327 unless stated otherwise;
rule numbers (B, C) count the conditions of the released cleaning code in its order."""

from __future__ import annotations

import pytest

from neo_assets.model.train.schedule import learning_rate
from neo_assets.recipe.dedup import NearSettings
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.recipe.training import CosineSchedule, HalfLifeSchedule, n_parameters


@pytest.fixture(scope="module")
def matrix() -> Recipe:
    return load_recipe("matrix")


# §4.1.1 and the released English filter, B0–B34 but B5, which it switches off. (minimum, maximum)
ENGLISH = {
    "empty": (1, None),  # B0
    "mean_word_length": (3, 10),  # B1
    "ellipsis_lines": (None, 0.2),  # B2
    "bullet_lines": (None, 0.9),  # B3
    "no_letter_words": (None, 0.4),  # B4
    "stop_words": (2, None),  # B6
    "symbols": (None, 0.5),  # B7
    "words": (50, 10_000),  # B8
    "language": (0.4, None),  # B9
    "characters": (200, None),  # B10
    "lines": (2, None),  # B11, "more than 1 line"
    "curly_braces": (None, 0.025),  # B12
    "lorem_ipsum": (None, 3e-8),  # B13
    "sentences": (None, 7_500),  # B14
    "single_sentence": (2, None),  # B17
    "all_caps_words": (None, 0.1),  # B15
    "unique_words": (0.1, None),  # B16; its 0.8 is declared and never applied
    "read_more_sentences": (None, 0.1),  # B18
    "hashtags": (None, 0.1),  # B19
    "ellipses": (None, 0.1),  # B20
    "punctuation": (0, None),  # B21, above 0
    "not_alphabetic_words": (None, 0.2),  # B22
    "numeric_words": (None, 0.3),  # B23
    "bad_words": (None, 0),  # B24
    "unigram_entropy": (3, None),  # B25; its 6 is declared and never applied
    "top_2gram": (None, 0.20),  # B26
    "top_3gram": (None, 0.18),
    "top_4gram": (None, 0.16),
    "duplicate_5gram": (None, 0.15),  # B29
    "duplicate_6gram": (None, 0.14),
    "duplicate_7gram": (None, 0.13),
    "duplicate_8gram": (None, 0.12),
    "duplicate_9gram": (None, 0.11),
    "duplicate_10gram": (None, 0.10),  # B34
}
# §4.2.1 and the released Chinese filter, C1–C24.
CHINESE = {
    "brackets": (None, 0.1),  # C1
    "sentences": (2, None),  # C4
    "characters": (50, 10_000),  # C5
    "mean_word_length": (1.3, 10),  # C6
    "hashtags": (None, 0.1),  # C7
    "ellipses": (None, 0.1),  # C8
    "digits": (None, 0.3),  # C9
    "read_more_lines": (None, 0.3),  # C10
    "bullet_lines": (None, 0.9),  # C11
    "punctuation": (0, None),  # C12, above 0
    "unique_characters": (0.1, None),  # C13, above 0.1
    "unigram_entropy": (3, None),  # C14
    "language": (0.4, None),  # C15
    "top_2gram": (None, 0.20),  # C16
    "top_3gram": (None, 0.18),
    "top_4gram": (None, 0.16),
    **{f"duplicate_{n}gram": (None, 0.60) for n in range(5, 11)},  # C19–C24
}


@pytest.mark.parametrize(("name", "limits"), ENGLISH.items())
def test_english_limits(matrix: Recipe, name: str, limits: tuple[float | None, float | None]) -> None:
    rule = getattr(matrix.english.rule_sets.generic, name)
    assert (rule.minimum, rule.maximum) == limits


@pytest.mark.parametrize(("name", "limits"), CHINESE.items())
def test_chinese_limits(matrix: Recipe, name: str, limits: tuple[float | None, float | None]) -> None:
    rule = getattr(matrix.chinese.rules, name)
    assert (rule.minimum, rule.maximum) == limits


def test_redpajama_is_judged_by_its_own_stricter_set(matrix: Recipe) -> None:
    # The released RedPajama-V2 filter: A5, A9–A13, A17–A19, A21, A22; all else as in the generic set.
    assert [n for n, s in matrix.english.sources.items() if s.rule_set == "redpajama"] == ["redpajama_v2"]
    generic, strict = (getattr(matrix.english.rule_sets, name).model_dump() for name in ("generic", "redpajama"))
    assert {name: strict[name] for name in strict if strict[name] != generic.get(name)} == {
        "stop_word_share": {"minimum": 0.06, "maximum": None},
        "perplexity_bucket": {"minimum": None, "maximum": 1},  # head and middle, as in §4.1.1
        "language": {"minimum": 0.8, "maximum": None},
        "characters": {"minimum": 1000, "maximum": None},
        "lines": {"minimum": 10, "maximum": None},
        "perplexity": {"minimum": None, "maximum": 487.5},
        "books_importance": {"minimum": -25_000, "maximum": 25_000},
        "openwebtext_importance": {"minimum": -1000, "maximum": None},
        "wikiref_score": {"minimum": 0.025, "maximum": None},
        "unique_words": {"minimum": 0.2, "maximum": 0.8},
        "unigram_entropy": {"minimum": 3, "maximum": 6},
    }


def test_deduplication_beyond_minhash(matrix: Recipe) -> None:
    # shared figures of MAP-Neo Matrix: paragraphs and substrings (English), Bloom filter and similar lines (Chinese).
    english, chinese = matrix.english.dedup, matrix.chinese.dedup
    assert (english.paragraph.min_document_chars, english.substring.min_document_chars) == (20, 20)
    assert english.substring.window_chars == 50
    assert chinese.bloom.error_rate == 0.001
    line = chinese.line
    assert (line.proportion, line.exact_chars, line.max_length_difference, line.min_overlap) == (0.1, 15, 0.3, 1 / 3)
    assert (english.exact.text, chinese.exact.text) == ("raw", "raw")


@pytest.mark.parametrize("line", ["english", "chinese"])
def test_deduplication(matrix: Recipe, line: str) -> None:
    # §4.1.2, §4.2.2 and the released code: 13 characters a shingle, 128 permutations, 9 bands of 13 rows, Jaccard 0.8.
    dedup: NearSettings = getattr(matrix, line).dedup.near
    assert (dedup.shingle_chars, dedup.num_permutations, dedup.bands, dedup.rows) == (13, 128, 9, 13)
    assert (dedup.permutation_seed, dedup.threshold, dedup.normalisation) == (1, 0.8, line)
    # What these give: 0.399 of the pairs at Jaccard 0.8 and 0.929 at 0.9 are compared.
    found = [1 - (1 - jaccard**dedup.rows) ** dedup.bands for jaccard in (0.8, 0.9)]
    assert found == pytest.approx([0.399, 0.929], abs=5e-4)


def test_tokenizer(matrix: Recipe) -> None:
    # §3, and the fields of the published tokenizer.model.
    tokenizer = matrix.tokenizer
    assert (tokenizer.model_type, tokenizer.vocab_size, tokenizer.character_coverage) == ("bpe", 64_000, 0.9999)
    assert (tokenizer.unk_id, tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id) == (0, 1, 2, -1)
    assert (tokenizer.max_sentences, tokenizer.max_sentence_bytes) == (50_000_000, 64_000)
    assert (tokenizer.max_piece_characters, tokenizer.normalization) == (16, "identity")
    assert tokenizer.split_digits and tokenizer.byte_fallback and tokenizer.add_dummy_prefix
    assert not tokenizer.remove_extra_whitespaces and not tokenizer.allow_whitespace_only_pieces
    assert tokenizer.split_by_unicode_script and tokenizer.split_by_whitespace and tokenizer.split_by_number
    assert tokenizer.sampling.total_characters == 50_000_000_000
    # Megatron's wrapper appends five ids: 64000 to 64004; documents end with 64002.
    assert tokenizer.appended_tokens == ("<CLS>", "<SEP>", "<EOD>", "<MASK>", "<PAD>")
    assert (tokenizer.n_ids, tokenizer.end_of_document_id) == (64_005, 64_002)
    assert (tokenizer.vocab_rows(1), tokenizer.vocab_rows(2)) == (64_128, 64_256)


# §5 and the published configurations: layers, hidden, heads, key/value heads, feed-forward, rows, parameters.
# The three small ones are solved from the sizes of the published files.
ARCHITECTURES = {
    "neo_7b": (28, 3072, 16, 16, 24_576, 64_256, 7_793_716_224),
    "neo_2b": (18, 2048, 8, 1, 16_384, 64_128, 2_244_552_704),
    "neo_980m": (12, 2048, 8, 1, 8_192, 64_128, 979_945_472),
    "neo_460m": (12, 1024, 8, 1, 8_192, 64_128, 461661184),
    "neo_250m": (8, 1024, 8, 1, 4_096, 64_128, 250_889_216),
}


@pytest.mark.parametrize(("name", "figures"), ARCHITECTURES.items())
def test_architectures(matrix: Recipe, name: str, figures: tuple[int, ...]) -> None:
    a = matrix.training.architectures[name]
    shape = (a.n_layers, a.hidden_size, a.n_heads, a.n_kv_groups, a.ffn_size, a.vocab_rows)
    assert (*shape, n_parameters(a)) == figures
    assert (a.seq_length, a.rope_base, a.rms_norm_eps, a.init_std, a.untied) == (8192, 10_000, 1e-5, 0.02, True)
    assert a.dtype == "bfloat16"


def test_the_7b_is_trained_at_tensor_parallel_2(matrix: Recipe) -> None:
    assert matrix.training.architecture == "neo_7b"
    assert (matrix.training.chosen.tensor_parallel, matrix.training.chosen.vocab_rows) == (2, 64_256)


def test_optimiser(matrix: Recipe) -> None:
    # The published training scripts.
    optimiser = matrix.training.optimiser
    assert (optimiser.beta1, optimiser.beta2, optimiser.eps) == (0.9, 0.95, 1e-8)
    assert (optimiser.weight_decay, optimiser.clip_norm) == (0.1, 1.0)
    assert matrix.seed == 42
    assert matrix.training.mask_after_eod


def test_fundamental_phase(matrix: Recipe) -> None:
    # §6.1: peak 2e-4, minimum 2e-5, 2,000 steps of warm-up from 2e-5; the last published checkpoint is 444,213.
    phase = matrix.training.phases[0]
    schedule = phase.schedule
    assert phase.name == "fundamental" and not phase.finetune
    assert isinstance(schedule, CosineSchedule)
    assert (schedule.peak_lr, schedule.min_lr, schedule.warmup_from_lr) == (2e-4, 2e-5, 2e-5)
    assert (schedule.warmup_steps, schedule.decay_steps) == (2_000, 365_000)
    assert (phase.n_steps, phase.batch_sequences, phase.steps_per_chunk) == (444_213, 1024, 2_384)
    assert phase.n_tokens(8192) == 444_213 * 8_388_608
    assert phase.n_tokens(8192) / 1e9 == pytest.approx(3_726.3, abs=0.05)
    rates = [learning_rate(phase, step) for step in (0, 2_000, 365_000, 444_212)]
    assert rates == pytest.approx([2e-5, 2e-4, 2e-5, 2e-5], rel=1e-12)


def test_decay_phase(matrix: Recipe) -> None:
    # §6.2: 148k steps of exponential decay from 2e-4 with a half-life of half the steps, weights only; batches of 640.
    phase = matrix.training.phases[1]
    schedule = phase.schedule
    assert phase.name == "decay" and phase.finetune
    assert isinstance(schedule, HalfLifeSchedule)
    assert (schedule.peak_lr, schedule.min_lr, schedule.half_life_steps) == (2e-4, 2e-5, None)
    assert (phase.n_steps, phase.batch_sequences) == (148_000, 640)
    assert phase.n_tokens(8192) / 1e9 == pytest.approx(776, abs=0.1)
    rates = [learning_rate(phase, step) for step in (0, 74_000, 148_000)]
    assert rates == pytest.approx([2e-4, 1e-4, 5e-5], rel=1e-12)


def test_corpus_shares(matrix: Recipe) -> None:
    # §4: 52.55 % Common Crawl and 22.29 % code of the corpus; §6: code is 14.77 % and 17.04 % of the phases' tokens,
    # The Stack V1 is read twice in the first.
    corpus = matrix.corpus
    assert corpus.published_shares == {"common_crawl": 0.5255, "code": 0.2229}
    assert corpus.phases["fundamental"].published_shares == {"code": 0.1477}
    assert corpus.phases["decay"].published_shares == {"code": 0.1704}
    assert corpus.phases["fundamental"].weights["code"] == 2
    # The nine categories of the data set card.
    assert len({subset.category for subset in corpus.subsets.values()}) == 9


def test_every_imported_source_is_in_one_subset(matrix: Recipe) -> None:
    subsets = [s for s in matrix.corpus.subsets.values() if s.language == "english" and not s.is_catch_all]
    named = [source for subset in subsets for source in subset.sources]
    assert len(named) == len(set(named))
    # §4.1: these five are Common Crawl; our own crawl joins them. Converted documents go by their collection.
    web = {"redpajama_v2", "dolma_cc", "culturax", "amber_refinedweb", "slimpajama", "falcon_refinedweb", "crawl"}
    assert set(matrix.english.sources) - set(named) == web | {"documents"}


def test_alignment(matrix: Recipe) -> None:
    # §7.1: two passes, 3 and 1 epochs, sequences of 8192, batches of 512; the rates are not published.
    foundational, chat = matrix.alignment.sft
    assert (foundational.n_epochs, chat.n_epochs) == (3, 1)
    for phase in (foundational, chat):
        assert (phase.seq_length, phase.batch_sequences, phase.peak_lr, phase.warmup_ratio) == (8192, 512, None, None)
    # §7.2 and the model cards of the experiments: Starling-RM-34B, three rounds, the third's figures not published.
    first, second, third = matrix.alignment.dpo
    assert all(iteration.reward_model == "Starling-RM-34B" for iteration in (first, second, third))
    assert (first.betas, first.batch_pairs, second.betas, second.batch_pairs) == ((0.3, 0.5), 192, (0.05, 0.1), 384)
    for iteration in (first, second):
        assert (iteration.peak_lr, iteration.warmup_ratio, iteration.n_epochs) == (5e-6, 0.1, 1)
        assert (iteration.adam_beta1, iteration.adam_beta2, iteration.adam_eps) == (0.9, 0.999, 1e-8)
    assert (third.betas, third.peak_lr, third.batch_pairs) == ((), None, None)
