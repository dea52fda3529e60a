"""Funnels of small lakes made by hand: shares, reasons, characters, and documents that went astray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from neo_assets.cli import main
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.text.funnel import LEAKS, NO_LEAK, PUBLISHED, RAW, Funnel, measure_funnel
from neo_assets.text.funnel_report import funnel_files, funnel_markdown, readme_section
from neo_assets_tests.provenance.lakes import commit

MONDAY, TUESDAY = "2024-11-01", "2024-11-02"
STAGES = ("normalized", "annotated", "filtered", "near_unique")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def document(n: int, verdict: str | None = "kept", rule: str | None = None, **more: Any) -> dict[str, Any]:
    judged = {} if verdict is None else {"verdict": verdict, "rule": rule}
    return {"doc_id": f"d{n:02}", "url": f"u{n}", **more, **judged}


def fill(lake: Lake, line: str = "chinese") -> None:
    """Two days; in all 12 documents come in, 4 of them in another language; 7, 4 and 3 are kept by the stages."""
    for day, start in ((MONDAY, 0), (TUESDAY, 6)):
        came = [document(start + n, "rejected", "language") for n in (0, 1)]
        came += [document(start + n) for n in (2, 3, 4, 5)]
        if day == TUESDAY:
            came[-1] = document(start + 5, "quarantined", "too_large")
        kept = [row for row in came if row["verdict"] == "kept"]
        numbers = [int(row["doc_id"][1:]) for row in kept]
        commit(lake, f"{line}/normalized|{day}", came)
        commit(lake, f"{line}/annotated|{day}", [document(n, None, ccnet_length=100 * n) for n in numbers])
        judged = [document(n, ccnet_length=100 * n) for n in numbers]
        judged[0] |= {"verdict": "rejected", "rule": "words"}
        judged[1] |= {"verdict": "rejected", "rule": "language"} if day == MONDAY else {"rule": None}
        commit(lake, f"{line}/filtered|{day}", judged)
        passed = [document(n, ccnet_length=100 * n)
                  for n, row in zip(numbers, judged, strict=True) if row["verdict"] == "kept"]  # fmt: skip
        if day == MONDAY:
            passed[-1] |= {"verdict": "rejected", "rule": "near_duplicate"}
        commit(lake, f"{line}/near_unique|{day}", passed)


def stages(lake: Lake, line: str = "chinese") -> list[Dataset]:
    return [lake.whole(f"{line}/{name}") for name in STAGES]


def by_stage(funnel: Funnel) -> dict[str, dict[str, Any]]:
    return {row["stage"]: row for row in funnel.rows.to_pylist()}


def test_what_each_stage_keeps_of_the_raw_documents(lake: Lake) -> None:
    fill(lake)
    funnel = measure_funnel("chinese", stages(lake))
    found = by_stage(funnel)
    assert list(found) == [RAW, "normalized", "filtered", "near_unique"]
    columns = ("documents_in", "kept", "rejected", "quarantined")
    assert [tuple(found[s][c] for c in columns) for s in list(found)[1:]] == [
        (12, 7, 4, 1),
        (7, 4, 3, 0),
        (4, 3, 1, 0),
    ]
    # Raw: what is not in another language, with what is in quarantine.
    assert (found[RAW]["kept"], funnel.outside) == (8, 4)
    assert [found[s]["share_of_raw"] for s in found] == [1.0, 7 / 8, 4 / 8, 3 / 8]
    assert [found[s]["published_share_of_raw"] for s in found] == [1.0, None, 0.38, 0.19]
    # Monday's d02 to d05 and Tuesday's d08 to d10, then without d02, d03 and d08, then without d05.
    assert [found[s]["characters"] for s in found] == [None, 4100, 2800, 2300]
    assert found["filtered"]["characters_share"] == 2800 / 4100
    assert funnel.metadata == {"in another language": 4, LEAKS: NO_LEAK}


def test_what_was_cut_out_of_texts_is_not_kept(lake: Lake) -> None:
    fill(lake)
    for day in (MONDAY, TUESDAY):
        rows = lake.dataset("chinese/near_unique", [day]).read().to_pylist()
        cuts = [{"start": 10, "end": 15, "survivor": "d00"}, {"start": 20, "end": 40, "survivor": "d01"}]
        found = [
            document(
                int(row["doc_id"][1:]), ccnet_length=row["ccnet_length"], line_cuts=cuts[: n % 3], more_cuts=cuts[:1]
            )
            for n, row in enumerate(rows, start=1)
        ]
        commit(lake, f"chinese/line_unique|{day}", found)
    last = by_stage(measure_funnel("chinese", [*stages(lake), lake.whole("chinese/line_unique")]))["line_unique"]
    # Monday keeps one document, Tuesday two: 5 characters of the first and 25 of the second, and 5 of each.
    assert last["characters"] == 2300 - (5 + 5) - (5 + 5) - (25 + 5)


def test_reasons_add_up_to_what_was_not_kept(lake: Lake) -> None:
    fill(lake)
    funnel = measure_funnel("chinese", stages(lake))
    assert [tuple(row.values()) for row in funnel.reasons.to_pylist()] == [
        ("normalized", "rejected", "language", 4, 4 / 12),
        ("normalized", "quarantined", "too_large", 1, 1 / 12),
        ("filtered", "rejected", "words", 2, 2 / 7),
        ("filtered", "rejected", "language", 1, 1 / 7),
        ("near_unique", "rejected", "near_duplicate", 1, 1 / 4),
    ]
    for name, row in list(by_stage(funnel).items())[1:]:
        listed = [r["documents"] for r in funnel.reasons.to_pylist() if r["stage"] == name]
        assert sum(listed) == row["rejected"] + row["quarantined"]


def test_documents_that_went_astray_are_named(lake: Lake) -> None:
    fill(lake)
    commit(lake, f"chinese/annotated|{TUESDAY}", [document(n, None, ccnet_length=1) for n in (8, 9)])
    commit(lake, f"chinese/near_unique|{MONDAY}", [document(n, ccnet_length=1) for n in (4, 5, 6)])
    funnel = measure_funnel("chinese", stages(lake))
    assert funnel.leaks == [
        f"chinese/annotated|{TUESDAY}: 2 in, but 3 in chinese/normalized",
        f"chinese/filtered|{TUESDAY}: 3 in, but 2 in chinese/annotated",
        f"chinese/near_unique|{MONDAY}: 3 in, but 2 in chinese/filtered",
    ]
    assert funnel.metadata[LEAKS] == "\n".join(funnel.leaks)
    assert "**Documents are not accounted for:**" in funnel_markdown(funnel)


def test_a_missing_partition_and_an_unbalanced_stage_are_named(lake: Lake) -> None:
    fill(lake)
    writer = lake.writer("chinese/near_unique", MONDAY)
    writer.table(lake.dataset("chinese/near_unique", [MONDAY]).read())
    plain = writer.commit(lake.dataset("chinese/near_unique", [MONDAY]).manifest.provenance)
    assert plain.manifest.counts is None
    broken = lake.whole("chinese/filtered").partition(TUESDAY)
    [manifest] = broken.manifests
    assert manifest.counts is not None
    worse = manifest.model_copy(update={"counts": manifest.counts.model_copy(update={"rows_in": 9})})
    lake.store.replace(f"chinese/filtered/{TUESDAY}/manifest.json", worse.model_dump_json().encode())
    found = stages(lake)
    leaks = measure_funnel("chinese", [*found[:3], found[3].partition(TUESDAY)]).leaks
    assert leaks == [
        f"chinese/filtered|{TUESDAY}: 9 in, but 2 kept, 1 rejected, 0 quarantined",
        f"chinese/filtered|{TUESDAY}: 9 in, but 3 in chinese/annotated",
        f"chinese/near_unique|{MONDAY}: nothing in, but 2 in chinese/filtered",
    ]


def test_nothing_came_in(lake: Lake) -> None:
    funnel = measure_funnel("english", stages(lake, "english"))
    assert [row["stage"] for row in funnel.rows.to_pylist()] == [RAW]
    assert funnel_files(funnel)["funnel.png"].startswith(b"\x89PNG")


def test_published_shares() -> None:
    # MAP-Neo's figures of its pipelines: kept of the raw data after each step, in percent.
    assert [round(100 * share) for share in PUBLISHED["english"].values()] == [100, 20, 12, 7, 4, 4]
    assert [round(100 * share) for share in PUBLISHED["chinese"].values()] == [100, 38, 26, 19, 15]


def test_files_are_the_same_for_the_same_lake(lake: Lake) -> None:
    fill(lake)
    files = funnel_files(measure_funnel("chinese", stages(lake)))
    assert files == funnel_files(measure_funnel("chinese", stages(lake)))
    text = files["funnel.md"].decode()
    assert "| filtered | 7 | 4 | 3 | 0 | 50 | 38 | 2,800 | 68.3 |" in text
    assert "Every document is accounted for" in text and "4 documents in another language" in text


def test_the_readme_shows_both_lines_side_by_side(lake: Lake) -> None:
    fill(lake)
    fill(lake, "english")
    found = {line: measure_funnel(line, stages(lake, line)) for line in ("english", "chinese")}
    text = readme_section({k: f.rows for k, f in found.items()}, {k: f.reasons for k, f in found.items()})
    assert "| filtered | 4 | 50 | 20 | 4 | 50 | 38 |" in text
    assert "- English: `words` 2, `too_large` 1, `language` 1, `near_duplicate` 1." in text


def test_neo_funnel_prints_what_the_assets_hold() -> None:
    missing = CliRunner().invoke(main, ["funnel"])
    assert missing.exit_code == 1 and "run `neo build english/funnel`" in missing.output
    lake = Lake.from_environment()
    fill(lake)
    funnel = measure_funnel("chinese", stages(lake))
    writer = lake.writer("chinese/funnel", None)
    for name, rows in funnel.tables.items():
        writer.table(rows, name)
    writer.commit(stages(lake)[0].manifests[0].provenance)
    told = CliRunner().invoke(main, ["funnel"])
    assert told.exit_code == 0 and "| near_unique | 3 | 37.5 | 19 |" in told.output
    assert "- Chinese: `words` 2, " in told.output
    # Its own tables hold no judged documents.
    assert lake.dataset("chinese/funnel").manifest.counts is None
