"""The documents of a batch after a language model looked at what was recognised badly, if the recipe names one.

Answers are paid for once. They are kept outside the lake, in the folder `NEO_ANSWERS` or neo-assets/answers of the
user's cache, under the server, the model and the digest of the whole question: the work folder of a job is emptied when
it commits, and a batch that is made anew (by force, or because a recipe changed) mostly asks what was asked before. A
rerun asks only what has no answer: questions that failed, or that were beyond the budget. To have everything asked
again, delete the folder. On pods it has to lie on a volume that outlives them.

Without an answer a passage stays as it was recognised; so a server that is down holds up no batch. How many questions
failed is in the metadata, each with its reason in the table `corrections`; `neo build documents/corrected --partition
BATCH --force` asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.documents.correction import CHANGE_SCHEMA, Change, chat_judge, corrected_row
from neo_assets.documents.model import MARKDOWN_SCHEMA
from neo_assets.engine.progress import report
from neo_assets.jobs.base import open_job
from neo_assets.judges import answers
from neo_assets.judges.model import Judge
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.lake.writer import VersionWriter, write_part
from neo_assets.recipe.documents import CorrectionSettings

MARKDOWN, CORRECTIONS = "markdown", "corrections"


def answers_folder(settings: CorrectionSettings) -> Path:
    """Where the answers of the server's model are kept."""
    return answers.answers_folder(settings.endpoint, settings.model)


@dataclass
class Corrector:
    """Asks about documents, and remembers every question."""

    judge: Judge
    settings: CorrectionSettings
    n_documents: int
    changes: list[Change] = field(default_factory=list)
    _n_done: int = 0

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of `MARKDOWN_SCHEMA` after correction."""
        found, asked = corrected_row(row, self.judge, self.settings)
        self.changes.extend(asked)
        self._n_done += 1
        report("documents corrected", self._n_done, self.n_documents)
        return found


def write_corrected(
    source: Dataset, settings: CorrectionSettings | None, judge: Judge | None, writer: VersionWriter
) -> dict[str, int]:
    """Put the documents and the table of corrections into a version; gives how many there are of each outcome.

    Without settings or a judge the documents stay as they are. Memory: a part of the source, and all corrections.
    """
    corrector = Corrector(judge, settings, source.rows) if judge is not None and settings is not None else None
    for index, batch in enumerate(_batches(source)):
        table = pa.Table.from_batches([batch])
        if corrector is not None:
            rows = [corrector(row) for row in batch.to_pylist()]
            table = pa.Table.from_pylist(rows, schema=MARKDOWN_SCHEMA)
        writer.add(write_part(writer.store, writer.folder, ROWS, index, table))
    changes = corrector.changes if corrector is not None else []
    writer.table(_table(changes), CORRECTIONS)
    return outcomes(changes)


def outcomes(changes: Iterable[Change]) -> dict[str, int]:
    """How many passages were looked at, and what became of them; those with nothing to correct are left over."""
    found = list(changes)
    return {
        "passages": len(found),
        "corrected": sum(one.accepted for one in found),
        "refused": sum(one.after is not None and one.reason is not None for one in found),
        "failed": sum(one.after is None and bool(one.digest) for one in found),
        "too long": sum(one.after is None and not one.digest for one in found),
    }


def _batches(source: Dataset) -> Iterator[pa.RecordBatch]:
    """The documents, a part at a time; one empty batch where there are none."""
    if not source.rows:
        yield pa.RecordBatch.from_pylist([], schema=MARKDOWN_SCHEMA)
    yield from (batch.cast(MARKDOWN_SCHEMA) for batch in source.batches() if batch.num_rows)


def _table(changes: list[Change]) -> pa.Table:
    rows = [{name: getattr(change, name) for name in CHANGE_SCHEMA.names} for change in changes]
    return pa.Table.from_pylist(rows, schema=CHANGE_SCHEMA)


def main() -> None:
    """Run the job that its asset ordered."""
    with open_job() as job:
        settings = job.recipe.documents.correction
        judge = chat_judge(settings, answers_folder(settings)) if settings else None
        found = write_corrected(job.inputs[MARKDOWN], settings, judge, job.writer)
        if settings is not None:
            job.metadata |= {f"corrections: {name}": number for name, number in found.items()}


if __name__ == "__main__":
    main()
