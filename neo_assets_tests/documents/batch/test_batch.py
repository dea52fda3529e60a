"""A batch of files through real runs: bad ones beside good ones, other workers, kills, new files, a new batch."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from neo_assets.documents.correction.prompt import answered
from neo_assets.jobs.document_correction import CORRECTIONS
from neo_assets.lake.dataset import DECISIONS
from neo_assets.lake.records import KEPT
from neo_assets_tests.documents.batch import zoo
from neo_assets_tests.e2e.small import ROOT, Checkout
from neo_assets_tests.judges.server import Reply, chat, prompt, said

pytestmark = [pytest.mark.slow, pytest.mark.needs("documents")]

SELECTION = 'key:"documents/report" or key:"documents/arrived"'
STAGES = ("files", "pages", "layout", "elements", "ordered", "markdown", "corrected", "report")
WORKED = ("documents/pages", "documents/layout", "documents/elements")
"""Those whose jobs keep finished pages in a work folder."""
N_KILLS = 4
NEW = "2024-11-02-papers-1"
Times = dict[tuple[str, str, int], float]


@dataclass(frozen=True)
class Built:
    """A batch that one worker built, and what that gave."""

    checkout: Checkout
    files: Path
    digests: dict[str, str]
    decisions: dict[str, str]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Made once: a PDF that PDFium saves tells the time."""
    return zoo.zoo()


@pytest.fixture(scope="module")
def built(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("batch")
    (base / "inbox").mkdir()
    zoo.put(base / "files", files)
    checkout = Checkout.make(base / "checkout", zoo.recipe(base / "files", base / "inbox"))
    checkout.neo("build", SELECTION)
    return Built(checkout, base / "files", checkout.digests(), checkout.decision_digests())


def rows(checkout: Checkout, stage: str, table: str = "rows", batch: str = zoo.NAME) -> list[dict[str, Any]]:
    dataset = checkout.lake.dataset(f"documents/{stage}", [batch])
    return (dataset if table == "rows" else dataset.named(table)).read().to_pylist()


def rules(checkout: Checkout, stage: str) -> dict[str, str]:
    return {row["url"].partition(f"/{zoo.NAME}/")[2]: row["rule"] for row in rows(checkout, stage, DECISIONS)}


def test_bad_files_have_their_rules_and_nothing_is_lost(built: Built) -> None:
    assert rules(built.checkout, "files") == zoo.BAD
    assert rules(built.checkout, "pages") == {f"{name}#page=1": rule for name, rule in zoo.BAD_PAGES.items()}
    assert rules(built.checkout, "markdown") == dict.fromkeys(zoo.BAD_PAGES, "missing_pages")
    for stage in STAGES[:3]:
        assert all(row["reason"] for row in rows(built.checkout, stage, DECISIONS))
    n_pages = {row["path"]: row["n_pages"] for row in rows(built.checkout, "files")}
    assert n_pages == zoo.GOOD | dict.fromkeys(zoo.BAD_PAGES, 1)
    judged = [built.checkout.lake.dataset(f"documents/{stage}", [zoo.NAME]).manifest for stage in STAGES]
    counts = {manifest.asset: manifest.counts for manifest in judged if manifest.counts}
    assert [asset for asset, found in counts.items() if not found.balanced] == []
    assert counts["documents/files"].rows_in == len(zoo.BAD) + len(n_pages)
    assert counts["documents/pages"].rows_in == sum(n_pages.values())
    assert counts["documents/elements"].rows_in == sum(zoo.GOOD.values())
    assert counts["documents/markdown"].rows_in == len(n_pages)


def test_good_files_are_read_and_arrive(built: Built) -> None:
    found = {row["url"].rpartition("/")[2]: row for row in rows(built.checkout, "markdown")}
    assert found.keys() == zoo.GOOD.keys()
    for name, lines in zoo.TRUTH.items():
        assert found[name]["text"].replace("#", "").split() == " ".join(lines).split()
        assert (found[name]["share_ocr"], found[name]["n_pages_missing"]) == (1.0, 0)
    chinese = found["layer.zh.pdf"]
    assert chinese["share_ocr"] == 0
    words = "一个包含了简单的、符合GNU编码标准和FHS（文件系统层级规范）的C语言源代码的程序来说"
    assert words in chinese["text"].replace(" ", "")
    assert [number for number in range(zoo.N_SHORT) if f"page {number} of a short manual" not in
            found["short.pdf"]["text"].replace("\n", " ")] == []  # fmt: skip
    arrived = built.checkout.lake.dataset("documents/arrived", [zoo.DAY]).read().to_pylist()
    assert {row["url"].rpartition("/")[2]: row["language"] for row in arrived} == {
        name: "zh" if ".zh." in name else "en" for name in zoo.GOOD
    }
    assert built.checkout.lake.dataset("documents/arrived", ["2024-11-01"]).rows == 0


def test_new_files_and_a_new_batch(built: Built, tmp_path: Path) -> None:
    changed = built.checkout
    zoo.put(tmp_path, {"bad": b"%PDF-1.7\n", "good": zoo.picture("PNG", zoo.LINES[3:])})
    force, build = ("build", "documents/files", "--force"), ("build", SELECTION)
    told = changed.several(
        force, build,
        ("cp", str(tmp_path / "bad"), str(built.files / "bad.pdf")), build, force, build,
        ("cp", str(tmp_path / "good"), str(built.files / "new.png")), force, build,
    )  # fmt: skip
    assert [one.status for one in told] == [0] * 7, told
    made = [one.output.split(" partitions made")[0].splitlines()[-1] for one in told]
    # Another bad file is a decision more and no other content: nothing is made of it.
    assert made == ["1 of 1", "0 of 10", "0 of 10", "1 of 1", "0 of 10", "1 of 1", "9 of 10"]
    assert rules(changed, "files") == zoo.BAD | {"bad.pdf": "damaged"}
    after = changed.digests()
    same = {"documents/arrived|2024-11-01"}
    assert {name for name in after if after[name] == built.digests[name]} == same
    texts = {row["url"].rpartition("/")[2]: row["text"].replace("#", "").strip() for row in rows(changed, "markdown")}
    assert texts.keys() == {*zoo.GOOD, "new.png"} and texts["new.png"] == zoo.LINES[3]

    zoo.put(built.files.parent / "inbox" / NEW, {"a.png": zoo.picture("PNG", zoo.LINES[:1])})
    [status] = changed.several(("status", "documents/files"))
    [line] = [line for line in status.output.splitlines() if line.startswith("│ documents/files")]
    assert [cell.strip() for cell in line.split("│")[2:6]] == ["2", "1", "", "1"]
    [registered] = changed.several(("instance", "register"))
    assert registered.status == 0
    dagster = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "neo_assets.definitions"]
    done = subprocess.run(
        [*dagster, "--select", "documents/files", "--partition", NEW],
        cwd=ROOT, env=changed.environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    [row] = rows(changed, "files", batch=NEW)
    assert (row["path"], row["url"], row["day"]) == ("a.png", f"document://papers/{NEW}/a.png", zoo.DAY)


def test_recognised_text_is_corrected_and_paid_for_once(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEO_ANSWERS", str(tmp_path / "answers"))

    def reply(body: dict[str, Any], number: int) -> Reply:
        return said(answered(prompt(body)).replace("wooden", "woollen").replace("winter", "1 winter"))

    recipe = zoo.recipe(built.files, built.files.parent / "inbox")
    build = ("build", "documents/corrected", "--partition", zoo.NAME, "--no-upstream")
    with chat(reply) as server:
        recipe["documents"]["correction"] = {"endpoint": server.url, "model": "small", "max_score": 1.0}
        built.checkout.write_recipe(recipe)
        told = built.checkout.several(build)
        n_asked = len(server.bodies)
        told += built.checkout.several((*build, "--force"))
        assert len(server.bodies) == n_asked
    assert [one.output.splitlines()[-1] for one in told] == ["1 of 1 partitions made, 0 were current"] * 2, told
    changes = rows(built.checkout, "corrected", CORRECTIONS)
    assert len({one["before"] for one in changes}) == n_asked
    taken = [(one["accepted"], one["reason"]) for one in changes if one["after"] != one["before"]]
    assert {(True, None), (False, "the answer has other numbers")} == set(taken)
    texts = {row["url"].rpartition("/")[2]: row["text"] for row in rows(built.checkout, "corrected")}
    assert texts["page.png"] == " ".join(zoo.TRUTH["page.png"]).replace("wooden", "woollen")
    assert texts["scan.pdf"] == " ".join(zoo.TRUTH["scan.pdf"])
    metadata = built.checkout.lake.dataset("documents/corrected", [zoo.NAME]).metadata
    assert metadata["corrections: passages"] == len(changes) and metadata["corrections: corrected"] == 1
    assert metadata["corrections: failed"] == 0


@pytest.mark.needs("hours")
def test_two_workers_elsewhere_killed_again_and_again_give_the_same(
    built: Built, files: dict[str, bytes], tmp_path: Path
) -> None:
    """Whole trees of processes end without notice at random moments. Pages that were done are not done again: the
    seconds that they took are still those of the first time."""
    zoo.put(tmp_path / "another" / "place", files)
    disturbed = Checkout.make(tmp_path / "checkout", zoo.recipe(tmp_path / "another" / "place"))
    draw, kills, done = random.Random(20241102), 0, Times()
    committed: dict[str, str] = {}
    while kills < N_KILLS:
        killed = build_and_kill(disturbed, 'key:"documents/elements"', draw.randint(1, 3), draw.uniform(0, 0.3))
        found = disturbed.digests()
        assert committed.items() <= found.items(), "a committed partition was lost or changed"
        committed = found
        if not killed:
            break
        kills += 1
        before = working_times(disturbed)
        assert all(done[key] == seconds for key, seconds in before.items() if key in done), "done again"
        done |= before
    assert kills >= 3 and done
    disturbed.neo("build", SELECTION, workers=2)
    final = committed_times(disturbed)
    assert {key: final.get(key) for key in done} == done
    assert disturbed.digests() == built.digests
    assert disturbed.decision_digests() == built.decisions
    disturbed.neo("gc", "--delete", "--older-than", "0")
    assert list(disturbed.lake.garbage()) == [] and not groups(disturbed)
    assert disturbed.digests() == built.digests


def build_and_kill(checkout: Checkout, selection: str, n_groups: int, seconds: float) -> bool:
    """Build; some seconds after so many groups of pages were finished, kill all processes. False if it ended before."""
    known = groups(checkout)
    with subprocess.Popen(
        checkout.command("build", selection), cwd=ROOT, env=checkout.environment(workers=2),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        new: set[Path] = set()
        deadline = time.monotonic() + 300
        while process.poll() is None and len(new) < n_groups:
            assert time.monotonic() < deadline
            new |= groups(checkout) - known
            time.sleep(0.005)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for one in tree:
                one.kill()
            psutil.wait_procs(tree[1:], timeout=60)
            process.wait()
            return True
        output = process.stdout.read() if process.stdout else ""
        assert process.returncode == 0, output
        return False


def groups(checkout: Checkout) -> set[Path]:
    """The finished groups of pages in work folders."""
    works = (checkout.folder / "lake" / asset / zoo.NAME / "work" / "content" for asset in WORKED)
    return {path for work in works if work.is_dir() for path in work.iterdir() if not path.suffix and path.is_dir()}


def working_times(checkout: Checkout) -> Times:
    """The seconds that each finished page took, of the stages that are at work; quarantined pages left out."""
    found: Times = {}
    for group in groups(checkout):
        with pa.ipc.open_stream(group / "rows.arrow") as stream:
            kept = [row for row in stream.read_all().to_pylist() if row["verdict"] == KEPT]
        asset = next(asset for asset in WORKED if f"/{asset}/" in str(group))
        found |= {(asset, row["doc_id"], row["page"]): row["seconds"] for row in kept}
    return found


def committed_times(checkout: Checkout) -> Times:
    """The same of the stages' versions."""
    found: Times = {}
    for asset in WORKED:
        for row in rows(checkout, asset.partition("/")[2]):
            found[asset, row["doc_id"], row["page"]] = row["seconds"]
    return found
