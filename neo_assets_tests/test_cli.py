"""The `neo` command: it teaches, its errors are one line, and what it lists is what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from neo_assets.cli import main, prepare_dagster_home
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import RECIPES, load_recipe
from neo_assets_tests.provenance.lakes import DAY_1, commit, documents_lake

Neo = Callable[..., Result]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "a lake"))


@pytest.fixture
def neo(tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Neo:
    """Run `neo` with these arguments over the lake; whatever it sets in the environment is undone."""
    monkeypatch.chdir(tmp_path)
    environment = {"NEO_LAKE": lake.root, "NEO_RECIPE": "mini", "DAGSTER_HOME": str(tmp_path / "home")}

    def run(*arguments: str, **changes: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment | changes)

    return run


def one_line(result: Result) -> str:
    """The message of a failed command: one line on stderr, status 1, no traceback."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


@pytest.mark.parametrize("command", [None, *main.commands])
def test_help_teaches(neo: Neo, command: str | None) -> None:
    result = neo(*([command] if command else []), "--help")
    assert result.exit_code == 0
    assert neo(*([command] if command else []), "-h").output == result.output
    subject: object = main.commands[command] if command else main
    text = " ".join(result.output.split())
    assert text.startswith(f"Usage: main {command}" if command else "Usage: main [OPTIONS] COMMAND")
    parameters = getattr(subject, "params", [])
    undescribed = [p.name for p in parameters if p.param_type_name == "option" and not p.help]
    assert undescribed == []
    # A sentence on what it does, ended by a full stop before any option is listed.
    described = text.split("Options:")[0]
    assert "." in described and len(described) > 60
    if command is None:
        assert "neo why URL" in text and all(name in text for name in main.commands)


def test_help_says_what_matters(neo: Neo) -> None:
    build = " ".join(neo("build", "--help").output.split())
    for words in ("missing or stale", "Dagster's syntax", "run it again and it goes on", "--dry-run", "--partition"):
        assert words in build


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "key:nothing"), "'key:nothing' selects no asset; `neo status` lists them"),
        (("status", "key:nothing"), "'key:nothing' selects no asset; `neo status` lists them"),
        (("build", "(("), "cannot read the selection '((': Invalid selection string: (("),
        (
            ("build", "key:chinese/filtered", "--partition", "1999-12-31"),
            "no selected asset has partition '1999-12-31'; there are 2024-11-01, 2024-11-02",
        ),
        (
            ("--recipe", "nothing", "status"),
            "no recipe 'nothing': give a path to a YAML file or one of matrix, mini",
        ),
        (("recipe", "nothing"), "no recipe 'nothing': give a path to a YAML file or one of matrix, mini"),
        (
            ("why", "http://nowhere.test/"),
            "http://nowhere.test/: in no committed partition; is it spelled as in crawl/pages?",
        ),
    ],
)
def test_a_name_that_names_nothing(neo: Neo, arguments: tuple[str, ...], message: str) -> None:
    assert one_line(neo(*arguments)) == message


@pytest.mark.parametrize("command", [("gc",), ("summary",), ("why", "x"), ("status",), ("build", "--dry-run")])
def test_a_lake_that_is_none(neo: Neo, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("no folder")
    message = one_line(neo("--lake", "file", *command))
    assert message == f"{tmp_path}/file is a file; name a folder with --lake or NEO_LAKE"
    message = one_line(neo("--lake", "ftp://x/y", *command))
    assert message.startswith("ftp://x/y: ") and message.endswith("give a folder, or a URI such as s3://bucket/prefix")


def test_a_broken_manifest(neo: Neo, lake: Lake) -> None:
    lake.store.replace("crawl/seeds/_/manifest.json", b"{}")
    message = one_line(neo("status"))
    assert f"{lake.root}/crawl/seeds/_/manifest.json" in message and "neo build crawl/seeds --force" in message


def test_a_faulty_recipe_has_a_line_a_fault(neo: Neo, tmp_path: Path) -> None:
    data = yaml.safe_load((RECIPES / "mini.yaml").read_text(encoding="utf-8"))
    data["sed"] = data.pop("seed")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    result = neo("recipe", "mine.yaml")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: {tmp_path}/mine.yaml: 2 fault(s)",
        "  seed: required key is missing. Add it.",
        "  sed: unknown key. Remove it, or correct its spelling (did you mean 'seed'?).",
    ]


def test_unknown_options_and_commands_are_usage_errors(neo: Neo) -> None:
    for arguments in (("build", "--frce"), ("biuld",), ("gc", "--older-than", "-1"), ("why",)):
        result = neo(*arguments)
        assert result.exit_code == 2
        assert "Usage:" in result.stderr and "Error: " in result.stderr


def test_recipe_prints_what_the_program_reads(neo: Neo) -> None:
    for arguments in (("recipe",), ("recipe", "mini"), ("--recipe", "mini", "recipe")):
        printed = yaml.safe_load(neo(*arguments).output)
        assert printed == load_recipe("mini").model_dump(mode="json")
    assert yaml.safe_load(neo("--recipe", "matrix", "recipe").output)["name"] == "matrix"


def test_status_of_an_empty_lake(neo: Neo, lake: Lake) -> None:
    result = neo("status", "chinese/filtered")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == f"recipe mini, lake {lake.root}"
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    assert rows == [["chinese/filtered", "2", "", "", "2", ""]]


def test_a_dry_run_says_why_and_makes_nothing(neo: Neo, lake: Lake) -> None:
    commit(lake, "crawl/seeds", [{"url": "http://a.test/"}], code="old-code")
    result = neo("build", "key:crawl/pages", "--partition", DAY_1, "--dry-run")
    assert result.exit_code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    assert rows == [["crawl/seeds", "1", "", "1", "", "code changed"], ["crawl/pages", "1", "", "", "1", ""]]
    assert lake.assets() == ["crawl/seeds"]


def test_why_tells_every_step(neo: Neo, lake: Lake) -> None:
    documents_lake(lake)
    lines = neo("why", "http://a.test/2").output.splitlines()
    assert [line.split() for line in lines] == [
        ["fetched", "crawl/pages", DAY_1, "status", "200,", "warc_file", f"{DAY_1}.warc"],
        ["kept", "crawl/extracted", DAY_1, "title", "Title", "2,", "n_chars", "2"],
        ["rejected", "chinese/filtered", DAY_1, "words,", "value", "12,", "threshold", "50"],
    ]


def test_gc_lists_and_then_deletes(neo: Neo, lake: Lake) -> None:
    old = commit(lake, "t/made|p", [{"n": 1}]).manifest.version
    new = commit(lake, "t/made|p", [{"n": 2}]).manifest.version
    folder = f"t/made/p/{old}"
    # The age protects versions that are being written.
    assert neo("gc").output == "0 folders could be deleted (--delete)\n"
    listed = neo("gc", "--older-than", "0").output
    assert listed == f"{folder}\n1 folders could be deleted (--delete)\n"
    assert lake.store.exists(folder)
    assert neo("gc", "--older-than", "0", "--delete").output == f"{folder}\n1 folders deleted\n"
    assert not lake.store.exists(folder) and lake.store.exists(f"t/made/p/{new}")
    assert neo("gc", "--older-than", "0").output.startswith("0 folders")


def test_summary(neo: Neo, lake: Lake) -> None:
    documents_lake(lake)
    result = neo("summary")
    assert result.exit_code == 0
    assert "chinese/near_unique" in result.output and f"lake {lake.root}" in " ".join(result.output.split())


def test_options_reach_what_runs_later(neo: Neo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, str] = {}
    monkeypatch.setattr("neo_assets.provenance.summary.render", lambda lake, console: found.update(root=lake.root))
    neo("--lake", "some/lake", "summary")
    assert found["root"] == str(tmp_path / "some" / "lake")
    neo("--lake", "s3://bucket/prefix", "summary")
    assert found["root"] == "s3://bucket/prefix"


def test_prepare_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", "given")
    monkeypatch.delenv("DAGSTER_HOME")
    assert prepare_dagster_home() == tmp_path / ".neo" / "dagster"
    settings = tmp_path / ".neo" / "dagster" / "dagster.yaml"
    assert settings.read_text() == "telemetry: {enabled: false}\n"
    # Settings that somebody changed there stay.
    settings.write_text("telemetry: {enabled: true}\n")
    prepare_dagster_home()
    assert settings.read_text() == "telemetry: {enabled: true}\n"
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    assert prepare_dagster_home() == tmp_path / "elsewhere"
    assert (tmp_path / "elsewhere" / "dagster.yaml").exists()
