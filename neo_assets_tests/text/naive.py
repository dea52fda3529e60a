"""Quality signals the slow and obvious way, straight from their definitions: what the compiled scans must equal."""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import rjieba

BULLETS = "•●○■□▪▫※·➢‣▶◀◦–"
LATIN_READ_MORE = re.compile(r"(?<!\w)" + r"\s*".join("readmore") + r"\W*$", re.IGNORECASE)
CHINESE_READ_MORE = ("展开", "展开全文", "展開", "展開全文", "更多", "阅读全文", "閱讀全文", "查看全文")


def low(text: str) -> str:
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def raw_lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+$", text)


def normalised_words(text: str) -> list[str]:
    stripped = ("".join(c for c in token if c not in string.punctuation) for token in text.split())
    return [low(word) for word in stripped if word]


def decomposed_length(word: str) -> int:
    return sum(len(unicodedata.normalize("NFD", c.lower())) for c in word)


def without_marks(word: str) -> str:
    return "".join(c for c in word if unicodedata.category(c)[0] != "P" and c not in string.punctuation)


def is_capitals(token: str) -> bool:
    return token.isupper()


def reads_more(piece: str) -> bool:
    found = LATIN_READ_MORE.search(piece)
    if found is not None and found.start() >= len(piece) - 40:
        return True
    tail = re.sub(r"\W+$", "", piece[-40:])
    return re.sub(r"\s", "", tail).endswith(CHINESE_READ_MORE)


def ngram_shares(words: Sequence[str], length: Callable[[str], int]) -> dict[int, float]:
    """By n: share of characters in the top n-gram (2 to 4) or in repeated n-grams (5 to 10)."""
    total = sum(map(length, words))
    found = {}
    for n in range(2, 11):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = Counter(grams)
        chosen = {gram for gram, count in counts.items() if count > 1}
        if n < 5 and chosen:
            chosen = {counts.most_common(1)[0][0]}
        covered = {i + k for i, gram in enumerate(grams) if gram in chosen for k in range(n)}
        found[n] = share(sum(length(words[i]) for i in covered), total)
    return found


def entropy(items: Sequence[str]) -> float:
    return -sum(n / len(items) * math.log(n / len(items)) for n in Counter(items).values())


def duplicates(pieces: Sequence[str]) -> tuple[float, float]:
    """(share of pieces, share of their characters) that occurred before."""
    seen: set[str] = set()
    again = [piece for piece in pieces if piece in seen or seen.add(piece)]  # type: ignore[func-returns-value]
    return share(len(again), len(pieces)), share(sum(map(len, again)), sum(map(len, pieces)))


def common(text: str, tokens: list[str], words: list[str], length: Callable[[str], int], sentences: list[str],
           pieces: list[str]) -> dict[str, Any]:  # fmt: skip
    lines, n_words = raw_lines(text), len(words)
    with_text = [line for line in lines if line.strip()]
    pieces = [piece for piece in pieces if re.search(r"\w", piece)]
    keys = [low("".join(re.findall(r"\w", piece))) for piece in pieces]
    grams = ngram_shares(words, length)
    ellipses = len(re.findall(r"\.{2,}", text)) + len(re.findall("…+", text))
    bare = [" ".join(normalised_words(line)) for line in with_text]
    return {
        "ccnet_length": len(text),
        "ccnet_nlines": len(lines),
        "rps_doc_curly_bracket": share(text.count("{") + text.count("}"), len(text)),
        "rps_doc_frac_all_caps_words": share(sum(map(is_capitals, tokens)), len(tokens)),
        "rps_doc_frac_lines_end_with_ellipsis": share(
            sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)
        ),
        "rps_doc_mean_word_length": share(sum(map(length, words)), n_words),
        "rps_doc_symbol_to_word_ratio": share(sum(map(text.count, ("#", "...", "…"))), len(tokens)),
        "rps_doc_frac_unique_words": share(len(set(words)), n_words),
        "rps_doc_unigram_entropy": entropy(words),
        "rps_doc_word_count": n_words,
        **{f"rps_doc_frac_chars_dupe_{n}grams": grams[n] for n in range(5, 11)},
        **{f"rps_doc_frac_chars_top_{n}gram": grams[n] for n in range(2, 5)},
        "n_sentences": sum(re.search(r"\w", sentence) is not None for sentence in sentences),
        "frac_lines_bullet": share(sum(line.strip()[0] in BULLETS for line in with_text), len(with_text)),
        "frac_lines_read_more": share(sum(map(reads_more, (line.rstrip("\n") for line in lines))), len(with_text)),
        "frac_sentences_read_more": share(sum(map(reads_more, pieces)), len(pieces)),
        "frac_lines_javascript": share(sum("javascript" in line for line in bare), len(with_text)),
        "frac_sentences_duplicate": duplicates(keys)[0],
        "frac_chars_duplicate_sentences": duplicates(keys)[1],
        "hash_runs_per_word": share(len(re.findall("#+", text)), n_words),
        "ellipses_per_word": share(ellipses, n_words),
        "frac_punctuation": share(
            sum(unicodedata.category(c)[0] == "P" or c in string.punctuation for c in text), len(text)
        ),
        "frac_words_not_alphabetic": share(sum(not without_marks(word).isalpha() for word in words), n_words),
        "frac_words_numeric": share(sum(without_marks(word).isnumeric() for word in words), n_words),
        "frac_chars_bad": share(len(re.findall("[\x00-\x08\x0e-\x1f\x7f\ufffd]", text)), len(text)),
    }


def english(text: str, stop_words: Sequence[str], bad_words: Sequence[str]) -> dict[str, Any]:
    words = normalised_words(text)
    tokens = re.findall(r"\w+|[^\w\s]+", text)
    marks = r"[.!?]+(?=[\s\"'”’)\]]|$)"
    content = " ".join(words)
    n_bad = sum(
        " ".join(words[i : i + n]) in bad_words
        for n in {term.count(" ") + 1 for term in bad_words}
        for i in range(len(words) - n + 1)
    )
    plain = {word.lower().translate(str.maketrans("", "", string.punctuation)) for word in stop_words}
    return common(
        text, tokens, words, decomposed_length, re.split(marks, text), re.split(rf"\n|{marks}", text)
    ) | {
        "rps_doc_frac_no_alph_words": share(sum(not re.search("[a-zA-Z]", token) for token in tokens), len(tokens)),
        "rps_doc_lorem_ipsum": share(
            content.count("lorem ipsum"), sum(map(decomposed_length, words)) + max(len(words) - 1, 0)
        ),
        "rps_doc_stop_word_fraction": share(sum(token in stop_words for token in tokens), len(tokens)),
        "rps_doc_num_sentences": len(re.findall(r"\b[^.!?]+[.!?]*", text)),
        "rps_doc_ldnoobw_words": n_bad,
        "bad_words_per_word": share(n_bad, len(words)),
        "n_stop_words": len(set(words) & plain),
        "n_chars": sum(not c.isspace() for c in text),
        "frac_runs_no_letter": share(sum(not any(map(str.isalpha, run)) for run in text.split()), len(text.split())),
        **english_lines(text),
    }  # fmt: skip


def english_lines(text: str) -> dict[str, list[float]]:
    lines = raw_lines(text)
    words = [normalised_words(line) for line in lines]
    return {
        "rps_lines_ending_with_terminal_punctution_mark": [
            float(line.rstrip().endswith((".", "!", "?", "”"))) for line in lines
        ],
        "rps_lines_javascript_counts": [float(line.count("javascript")) for line in words],
        "rps_lines_num_words": [float(len(line)) for line in words],
        "rps_lines_numerical_chars_fraction": [
            share(sum(map(str.isnumeric, "".join(line))), sum(map(decomposed_length, line)) + max(len(line) - 1, 0))
            for line in words
        ],
        "rps_lines_start_with_bulletpoint": [float(line.lstrip().startswith(tuple("•‣▶◀◦■□▪▫–"))) for line in lines],
        "rps_lines_uppercase_letter_fraction": [sum(map(str.isupper, line)) / len(line) for line in lines],
    }


def chinese(text: str, stop_words: Sequence[str]) -> dict[str, Any]:
    segments = rjieba.cut(text)
    tokens = [one for one in segments if not one.isspace()]
    words = [low(one) for one in tokens if any(map(str.isalnum, one))]
    marks = r"[!?;…\"。！？；”]|\.(?!\d)"
    written = [c for c in text if not c.isspace()]
    letters, digits = sum(map(str.isalpha, text)), sum(map(str.isdecimal, text))
    windows = [written[i : i + 1000] for i in range(0, len(written), 1000)]
    grams = ngram_shares(written, len)
    bracketed = sum(map(len, re.findall("【([^【】]*)】", text)))
    han = [c for c in text if re.match("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]", c) and c.isalpha()]
    return common(text, tokens, words, len, re.split(marks, text), re.split(rf"\n|{marks}", text)) | {
        "rps_doc_frac_no_alph_words": share(sum(not any(map(str.isalpha, one)) for one in tokens), len(tokens)),
        "rps_doc_stop_word_fraction": share(sum(word in stop_words for word in words), len(tokens)),
        "rps_doc_num_sentences": sum(re.search(r"\w", sentence) is not None for sentence in re.split(marks, text)),
        "n_stop_words": len(set(words) & set(stop_words)),
        "n_chars": len(text),
        "frac_brackets": share(bracketed, len(text)),
        "frac_digits": share(digits, letters + digits),
        "char_entropy": entropy(written),
        "frac_chars_unique": share(sum(len(set(window)) for window in windows), len(written)),
        "frac_han": share(len(han), letters),
        "frac_foreign_letters": share(letters - len(han) - sum(c in string.ascii_letters for c in text), letters),
        **{f"frac_chars_top_{n}chars": grams[n] for n in range(2, 5)},
        **{f"frac_chars_dupe_{n}chars": grams[n] for n in range(5, 11)},
        **chinese_lines(text, segments),
    }


def chinese_lines(text: str, segments: list[str]) -> dict[str, list[float]]:
    lines = raw_lines(text)
    words: list[list[str]] = [[] for _ in [*lines, ""]]
    at = 0
    for one in segments:
        if any(map(str.isalnum, one)):
            words[text[:at].count("\n")].append(low(one))
        at += len(one)
    return {
        "rps_lines_ending_with_terminal_punctution_mark": [
            float(line.rstrip().endswith(tuple('.!?”。！？…；;」』"'))) for line in lines
        ],
        "rps_lines_javascript_counts": [float(line.count("javascript")) for line in words[: len(lines)]],
        "rps_lines_num_words": [float(len(line)) for line in words[: len(lines)]],
        "rps_lines_numerical_chars_fraction": [
            share(sum(map(str.isdecimal, "".join(line))), sum(map(len, line))) for line in words[: len(lines)]
        ],
        "rps_lines_start_with_bulletpoint": [float(line.lstrip().startswith(tuple(BULLETS))) for line in lines],
        "rps_lines_uppercase_letter_fraction": [sum(map(str.isupper, line)) / len(line) for line in lines],
    }
