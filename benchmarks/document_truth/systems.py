"""The systems that convert documents, and how their adapters are run: each on a core, as many at once as there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from benchmarks.peers.documents_ours import REFERENCE
from benchmarks.peers.environments import REPOSITORY, Peer, python_of

TIMEOUT_SECONDS = 1800
"""Of a system, for all its documents."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT", "NUMBA_NUM_THREADS")
ENVIRONMENT = "documents"
FOLLOWERS = {"neo-assets": (REFERENCE,)}
"""What a mode tells besides its own text, behind its name."""


class System(NamedTuple):
    """An adapter's mode, and what it is run on.

    `kinds` are kinds of documents of which it gets all, `halved` those of which it gets the half that `Sent.half`
    marks. A system that `recognises` takes no notice of a text layer.
    """

    peer: Peer
    mode: str
    kinds: tuple[str, ...]
    halved: tuple[str, ...] = ()
    needs_models: bool = False

    def gets(self, document: Sent) -> bool:
        """Whether it is run on a document."""
        return document.kind in self.kinds or (document.half and document.kind in self.halved)


class Sent(NamedTuple):
    """A document as systems get it: `kind` is clean, scan or another name of a set; `half`: for the slow ones too."""

    id: str
    kind: str
    path: Path
    language: str
    n_pages: int
    half: bool = True
    warm: bool = False
    """Converted once beforehand, so that all models are loaded."""


class Found(NamedTuple):
    """What a mode made of a document."""

    mode: str
    id: str
    text: str
    seconds: float
    error: str
    stages: Mapping[str, float] = {}


PAGES = ("clean", "scan")
TEXT = ("clean", "real")
"""For programs that read the text layer only."""
_OURS, _PLAIN = Peer("neo-assets", "", "documents_ours", ""), Peer("pypdfium2", "", "documents_plain", "")
OURS = System(_OURS, "neo-assets", ("clean", "scan", "lines", "real"))
FAST = OURS._replace(mode="neo-assets fast")
PDFIUM = System(_PLAIN, "pypdfium2", TEXT)
SYSTEMS = (
    OURS,
    System(
        Peer("PPStructureV3", ENVIRONMENT, "documents_ppstructure", ""), "PPStructureV3", (), PAGES, needs_models=True
    ),
    System(_OURS, "neo-assets faithful", (), PAGES),
    System(Peer("tesseract", "", "documents_tesseract", ""), "tesseract", (), PAGES),
    FAST,
    System(Peer("opendataloader-pdf", ENVIRONMENT, "documents_plain", ""), "opendataloader-pdf", TEXT),
    System(Peer("pdfminer.six", ENVIRONMENT, "documents_plain", ""), "pdfminer.six", TEXT),
    PDFIUM,
)
"""The slowest first, so that none is left alone on one core at the end."""


def run_all(systems: Sequence[System], documents: Sequence[Sent], say: bool = True) -> tuple[list[Found], list[str]]:
    """What every system makes of its documents, and remarks on those that are left out."""
    cores: SimpleQueue[int] = SimpleQueue()
    for core in sorted(os.sched_getaffinity(0)):
        cores.put(core)

    def job(system: System) -> tuple[list[Found], str]:
        core = cores.get()
        try:
            os.sched_setaffinity(0, {core})  # of this thread: what it starts stays on the core
            return _results(system, [document for document in documents if system.gets(document)], say)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(cores.qsize()) as pool:
        results = list(pool.map(job, systems))
    return [found for part, _ in results for found in part], [remark for _, remark in results if remark]


def _results(system: System, documents: Sequence[Sent], say: bool) -> tuple[list[Found], str]:
    """Runs a system; where it dies of a document it is started again behind it. Every document has a result."""
    python = python_of(system.peer)
    if python is None:
        return [], f"{system.mode} is not installed: left out"
    command = [str(python), "-m", f"benchmarks.peers.{system.peer.adapter}"]
    try:
        command += ["--models", json.dumps(models())] if system.needs_models else []
    except (ImportError, OSError, RuntimeError, ValueError) as problem:
        return [], f"{system.mode} has no models ({problem}): left out"
    found: list[Found] = []
    left, end = list(documents), time.monotonic() + TIMEOUT_SECONDS
    while left:
        if say:
            print(f"{system.mode}: {len(left)} documents", file=sys.stderr, flush=True)
        rows, problem = _run(command, system.mode, left, end - time.monotonic())
        if problem and not rows and not found:
            return [], f"{system.mode} does not run ({problem}): left out"
        found += rows
        left = left[len({row.id for row in rows}) :]
        if left:
            n_lost = len(left) if time.monotonic() >= end else 1
            found += [Found(system.mode, one.id, "", 0.0, problem or "no answer") for one in left[:n_lost]]
            left = left[n_lost:]
    return found + _followers(system.mode, found), ""


def _followers(mode: str, found: Sequence[Found]) -> list[Found]:
    """A document on which a mode failed has failed in what follows of it too."""
    return [one._replace(mode=mode + name) for name in FOLLOWERS.get(mode, ()) for one in found if one.error]


def _run(command: Sequence[str], mode: str, documents: Sequence[Sent], seconds: float) -> tuple[list[Found], str]:
    """The results that a process tells before it ends, and what it ended of."""
    with tempfile.TemporaryDirectory() as name:
        given, out, errors = (Path(name) / file for file in ("in.jsonl", "out.jsonl", "errors.txt"))
        rows = ({"id": one.id, "path": str(one.path), "language": one.language, "warm": one.warm} for one in documents)
        given.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        with out.open("wb") as stream, errors.open("wb") as complaints:
            problem = ""
            try:
                done = subprocess.run(
                    [*command, "--input", str(given), mode], cwd=REPOSITORY, stdout=stream, stderr=complaints,
                    env=os.environ | dict.fromkeys(THREADS, "1"), timeout=max(1.0, seconds), check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                problem = f"all its documents took more than {TIMEOUT_SECONDS} s"
            else:
                if done.returncode != 0:
                    said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                    problem = f"exit status {done.returncode}: {(said or ['without a word'])[-1][:160]}"
        lines = out.read_text(encoding="utf-8").splitlines()
    return [Found(**json.loads(line)) for line in lines if line.startswith("{") and line.endswith("}")], problem


def models() -> dict[str, Any]:
    """Folders of our layout and default text models, with the names under which paddleocr knows them."""
    from neo_assets.documents.models import model_folder

    return {
        "layout": str(model_folder("picodet_cdla")),
        "detection": str(model_folder("ppocr_v6_small_det")), "detection_name": "PP-OCRv6_small_det",
        "recognition": str(model_folder("ppocr_v6_small_rec")), "recognition_name": "PP-OCRv6_small_rec",
    }  # fmt: skip
