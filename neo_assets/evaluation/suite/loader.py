"""Gives lm-eval the items of a task from the folder named in the task manager's metadata; no cache, no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(items_folder: str, items: str, **metadata: Any) -> Any:
    """The `test` split: the rows of `<items_folder>/<items>.jsonl`."""
    from datasets import Dataset, DatasetDict  # type: ignore[import-untyped]

    lines = (Path(items_folder) / f"{items}.jsonl").read_text(encoding="utf-8").splitlines()
    return DatasetDict({"test": Dataset.from_list([json.loads(line) for line in lines])})
