"""Model card, data card and release manifest, rendered from recorded facts; no number is ever typed here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import yaml

from neo_assets.recipe.release import ReleaseSection

Row = Mapping[str, Any]


class CardError(ValueError):
    """A fact that a card or the manifest needs is missing or contradicts another."""


@dataclass(frozen=True)
class ModelFacts:
    """What a model card is made of. Rows are dictionaries of cells; their keys become the table's header."""

    release: ReleaseSection
    architecture: Row
    n_parameters: int
    phases: Sequence[Row]
    tokens_applied: int
    unigram_entropy: float
    final_loss: float
    scores: Sequence[Row]
    checkpoints: Sequence[Row]
    weights_digest: str
    tokenizer_digest: str
    recipe_name: str
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataFacts:
    """What a data card is made of."""

    release: ReleaseSection
    subsets: Sequence[Row]
    stages: Sequence[Row]
    sources: Sequence[Row]
    mixes: Sequence[Row]
    recipe_name: str
    crawl_days: Sequence[str] = ()
    personal_data: Sequence[Row] = ()
    contamination: Sequence[Row] = ()


@dataclass(frozen=True, order=True)
class Artefact:
    """One partition of one asset that the release rests on."""

    asset: str
    partition: str | None
    digest: str
    code_version: str
    n_rows: int | None = None
    n_bytes: int | None = None


def model_card(facts: ModelFacts) -> str:
    """The README of the weights: Hugging Face front matter, then Markdown."""
    release = facts.release
    gap = facts.unigram_entropy - facts.final_loss
    side = "below" if gap >= 0 else "above"
    head = {
        "language": list(release.languages),
        "library_name": "transformers",
        "license": release.model_licence,
        "pipeline_tag": "text-generation",
    }
    training = (
        f"{facts.n_parameters:,} weights; {facts.tokens_applied:,} tokens moved them. The loss at the end is"
        f" {facts.final_loss:.3f} nats per token, {abs(gap):.3f} {side} the unigram entropy"
        f" of the training tokens ({facts.unigram_entropy:.3f})."
    )
    scores = (
        "A score within two standard errors of its baseline is no evidence of skill. *seen* is the measured or stated"
        " overlap of the items with the training text."
    )
    blocks = [
        f"# {release.title}\n\n{release.description}",
        f"## Use\n\n{release.intended_use}",
        "## Limitations\n\n" + "\n".join(f"- {limitation}" for limitation in release.limitations),
        f"## Architecture\n\n{table([{'setting': k, 'value': v} for k, v in facts.architecture.items()])}",
        f"## Training\n\n{training}\n\n{table(facts.phases)}",
        f"## Evaluation\n\n{scores}\n\n{table(facts.scores)}",
        f"## Checkpoints\n\n{table(facts.checkpoints)}",
        "## Provenance\n\n"
        + table(
            [
                {"what": "recipe", "value": facts.recipe_name},
                {"what": "weights (SHA-256 of the tensors)", "value": f"`{facts.weights_digest}`"},
                {"what": "tokenizer (SHA-256)", "value": f"`{facts.tokenizer_digest}`"},
                *({"what": name, "value": version} for name, version in sorted(facts.versions.items())),
            ]
        ),
    ]
    return _front_matter(head) + "\n\n".join(blocks) + "\n"


def data_card(facts: DataFacts) -> str:
    """The README of the training text. Sums of the tables are computed here, so that they always agree.

    Raises:
        CardError: a stage where rows in differ from kept + rejected + quarantined.
    """
    for stage in facts.stages:
        rows_out = stage["kept"] + stage["rejected"] + stage["quarantined"]
        if stage["in"] != rows_out:
            raise CardError(f"stage {stage['stage']}: {stage['in']} rows in, {rows_out} out; rebuild its partition")
    release = facts.release
    head = {
        "language": list(release.languages),
        "license": release.data_licence,
        "task_categories": ["text-generation"],
    }
    days = f"The web was crawled on {', '.join(facts.crawl_days)}." if facts.crawl_days else "Nothing was crawled."
    blocks = [
        f"# Training text of {release.title}\n\nBuilt by recipe `{facts.recipe_name}`. {days}",
        f"## Subsets\n\n{table([*facts.subsets, *_total(facts.subsets)])}",
        f"## What every stage kept\n\n{table(facts.stages)}",
        "## Personal data\n\nReplaced by markers: e-mail and public IP addresses, telephone and identity card numbers,"
        f" as far as patterns find them.\n\n{table(facts.personal_data)}",
        "## Evaluation items\n\nItems of the local tasks that were in the documents before, and were taken out with"
        f" the sentence, line or document that held them.\n\n{table(facts.contamination)}",
        f"## Mix\n\n{table(facts.mixes)}",
        f"## Sources and licences\n\n{table(facts.sources)}",
    ]
    return _front_matter(head) + "\n\n".join(blocks) + "\n"


def table(rows: Sequence[Row]) -> str:
    """A Markdown table; numbers are aligned right and get thousands separators, cells can't break the table.

    Raises:
        CardError: rows with differing columns.
    """
    if not rows:
        return "*none*"
    columns = list(rows[0])
    for row in rows:
        if set(row) != set(columns):
            raise CardError(f"all rows need the columns {columns}, one has {list(row)}")
    numeric = [all(_is_number(row[c]) or row[c] is None for row in rows) for c in columns]
    lines = [columns, ["---:" if right else "---" for right in numeric]]
    lines += [[_cell(row[column]) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def release_manifest(
    name: str, recipe_name: str, recipe_digest: str, files: Mapping[str, str], artefacts: Iterable[Artefact]
) -> dict[str, Any]:
    """The manifest of a release: digests of its files and of every partition upstream, in a fixed order.

    Args:
        files: SHA-256 by path inside the release.

    Raises:
        CardError: one partition with two digests.
    """
    ordered = sorted(set(artefacts), key=lambda a: (a.asset, a.partition or "", a.digest))
    for before, after in pairwise(ordered):
        if (before.asset, before.partition) == (after.asset, after.partition):
            raise CardError(f"{after.asset} {after.partition or ''} has two digests; rebuild what is stale")
    return {
        "format": 1,
        "release": name,
        "recipe": {"name": recipe_name, "digest": recipe_digest},
        "files": dict(sorted(files.items())),
        "upstream": [asdict(artefact) for artefact in ordered],
    }


def manifest_json(manifest: Mapping[str, Any]) -> str:
    """Canonical text of a manifest, the one that is hashed and signed."""
    return json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text."""
    return hashlib.sha256(manifest_json(manifest).encode()).hexdigest()


def _total(rows: Sequence[Row]) -> list[Row]:
    """A closing row with the sum of every column that holds only whole numbers."""
    if not rows:
        return []
    first, *others = rows[0]
    sums = {c: sum(row[c] for row in rows) if all(isinstance(row[c], int) for row in rows) else None for c in others}
    return [{first: "total", **sums}]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(str(value).replace("\\", "\\\\").replace("|", "\\|").split())


def _front_matter(head: Mapping[str, Any]) -> str:
    return f"---\n{yaml.safe_dump(dict(head), sort_keys=True, allow_unicode=True)}---\n\n"
