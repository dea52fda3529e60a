"""The code version: what changes it, what does not, and which recipe values it takes in."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neo_assets.provenance import code
from neo_assets.provenance.code import Code, code_of
from neo_assets.recipe.recipe import load_recipe

ASSETS = [
    *("crawl.pages", "crawl.extracted", "chinese.normalized", "chinese.filtered", "chinese.near_unique"),
    *("english.annotated", "english.records", "tokenizer.tokenizer", "training.checkpoint", "evaluation.report"),
]


def code_for(asset: str) -> Code:
    """The code version of `area.name`, read from the source files alone: nothing of the package is imported anew."""
    area, name = asset.split(".")
    function: Any = SimpleNamespace(__module__=f"neo_assets.assets.{area}", __name__=name)
    return code_of(function, load_recipe("mini"))


def forget() -> None:
    """Let source files be read again."""
    code._module.cache_clear()
    code._path.cache_clear()
    code._cache.cache_clear()


class Tree:
    """A copy of the package's source files in which code versions are looked up; edits can be taken back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._edited: dict[Path, bytes] = {}

    def digests(self) -> dict[str, str]:
        forget()
        return {asset: code_for(asset).digest for asset in ASSETS}

    def write(self, file: Path, data: bytes) -> None:
        """Write a file there is; what it held is kept."""
        self._edited.setdefault(file, file.read_bytes())
        file.write_bytes(data)

    def edit(self, module: str, change: Callable[[str], str]) -> None:
        file = self.root / f"{module}.py"
        before = file.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        self.write(file, after.encode())

    def restore(self) -> None:
        for file, data in self._edited.items():
            file.write_bytes(data)
        self._edited.clear()

    def changed(self, before: dict[str, str]) -> set[str]:
        """The assets whose digest is another than that."""
        after = self.digests()
        return {asset for asset in ASSETS if after[asset] != before[asset]}


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    """Digests of the package as it is."""
    return {asset: code_for(asset).digest for asset in ASSETS}


@pytest.fixture(scope="module")
def copied(before: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The copy, made once. What is known of its files stays in it from test to test, as it does in a checkout."""
    root = tmp_path_factory.mktemp("copy") / "neo_assets"
    packages = [f"{area}/[a-z]*/*.py" for area in ("model", "tokens", "web")]
    patterns = ("*.py", "[a-z]*/*.py", *packages, "seed/MANIFEST.jsonl", "evaluation/suite/*.*")
    for file in (file for pattern in patterns for file in code.ROOT.glob(pattern)):
        copy = root / file.relative_to(code.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    return Tree(root)


@pytest.fixture
def tree(copied: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """The copy as it was made."""
    monkeypatch.setattr(code, "ROOT", copied.root)
    yield copied
    copied.restore()
    forget()


def test_a_copy_elsewhere_has_the_same_digests(tree: Tree, before: dict[str, str]) -> None:
    assert tree.changed(before) == set()


def test_layout_comments_and_docstrings_do_not_count(tree: Tree, before: dict[str, str]) -> None:
    for file in (file for file in tree.root.rglob("*.py") if file.parent.name != "suite"):  # there it is data
        # No comment survives parsing, and every line is laid out anew.
        text = ast.unparse(ast.parse(file.read_text(encoding="utf-8"))) + "\n# A word.\n"
        tree.write(file, text.encode())
    tree.edit("text/measure_chinese", lambda text: text.replace('"""Quality signals', '"""Reworded: Quality signals'))
    tree.edit("assets/chinese", lambda text: text.replace('    """Chinese pages that', '    """All Chinese pages that'))
    assert tree.changed(before) == set()


CHANGES: dict[str, tuple[str, Callable[[str], str], set[str]]] = {
    "a library function": (
        "text/rules",
        lambda text: text + "\nSTRICTER = 1\n",
        {"chinese.filtered"},
    ),
    "a library function reached through another": (
        "text/links",
        lambda text: text + "\nMORE = 1\n",
        {"chinese.normalized", "english.annotated"},
    ),
    "the asset's own function": (
        "assets/chinese",
        lambda text: text.replace("JudgeByRules(usual)", "JudgeByRules(usual[1:])"),
        {"chinese.filtered"},
    ),
    "another asset of the module, named like an input": (
        "assets/chinese",
        lambda text: text.replace("        recipe.chinese.unify_symbols,", "        not recipe.chinese.unify_symbols,"),
        {"chinese.normalized"},
    ),
    "where an asset is placed": (
        "assets/chinese",
        lambda text: text.replace('kinds={"parquet"}', 'kinds={"arrow"}'),
        set(),
    ),
    "a job that is only named in a string": (
        "jobs/train",
        lambda text: text.replace('"mean loss"', '"average loss"'),
        {"training.checkpoint"},
    ),
    "how weights are trained, in processes that a job's library starts": (
        "model/train/trainer",
        lambda text: text + "\nMORE = 1\n",
        {"training.checkpoint"},
    ),
    "how such processes are started": ("model/train/processes", lambda text: text + "\nMORE = 1\n", set()),
    "a library of a job": ("web/crawler/robots", lambda text: text + "\nMORE = 1\n", {"crawl.pages"}),
    "the platform": ("engine/local", lambda text: text + "\nMORE = 1\n", set()),
    "how documents get their ids": (
        "lake/records",
        lambda text: text.replace("[:24]", "[:32]"),
        {
            "crawl.pages",
            "crawl.extracted",
            "chinese.normalized",
            "chinese.filtered",
            "chinese.near_unique",
            "english.records",
            "english.annotated",
            "training.checkpoint",  # its table of steps marks volatile columns with the same module
        },
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_change_reaches(tree: Tree, before: dict[str, str], what: str) -> None:
    module, change, reached = CHANGES[what]
    tree.edit(module, change)
    assert tree.changed(before) == reached


def test_data_files_count(tree: Tree, before: dict[str, str]) -> None:
    manifest = tree.root / "seed" / "MANIFEST.jsonl"
    tree.write(manifest, manifest.read_bytes() + b"{}\n")
    changed = tree.changed(before)
    # Both read the seed folder, whose module names the manifest as a data file.
    assert {"english.records", "english.annotated"} <= changed
    assert "chinese.filtered" not in changed


def test_names_and_bytes_of_data_files_count(tree: Tree, tmp_path: Path) -> None:
    module = tmp_path / "words.py"
    module.write_text('DATA_FILES = ("*.words",)\n')
    seen = set()
    for content in ({}, {"a": b"1"}, {"a": b"2"}, {"b": b"2"}, {"a": b"2", "b": b"2"}):
        for file in module.parent.glob("*.words"):
            file.unlink()
        for name, data in content.items():
            (module.parent / f"{name}.words").write_bytes(data)
        seen.add(code._Module("neo_assets.text.words", module).data_digest)
    assert len(seen) == 5


NORMALISED_BY = (
    "unify_symbols", "remove_links", "max_chars", "line_filter", "bad_words_files", "profile", "url_lists",
)  # fmt: skip
ANNOTATED_BY = ("stop_words_file", "bad_words_files", "url_lists", "references")


@pytest.mark.parametrize(
    ("asset", "paths"),
    [
        ("chinese.normalized", {f"chinese.{name}" for name in (*NORMALISED_BY, "dedup.exact")}),
        ("chinese.annotated", {f"chinese.{name}" for name in ANNOTATED_BY}),
        ("chinese.filtered", {f"chinese.{name}" for name in ("rules", "document_limits", "profile", "dedup.survivor")}),
        ("chinese.exact_unique", {"chinese.dedup.bloom", "chinese.profile"}),
        ("chinese.near_unique", {"chinese.dedup.near", "chinese.profile"}),
        ("english.annotated", {f"english.{name}" for name in (*ANNOTATED_BY, "profile")}),
        ("english.exact_unique", set()),
        ("english.filtered", {f"english.{name}" for name in ("sources", "rule_sets", "profile", "dedup.survivor")}),
        # What a job reads counts, how it does its work does not.
        ("crawl.pages", {"crawl"}),
        ("training.checkpoint", {"seed", "tokenizer", "training"}),
    ],
)
def test_recipe_paths_are_the_narrow_ones(asset: str, paths: set[str]) -> None:
    assert set(code_for(asset).recipe) == paths


def test_recipe_values_are_plain_json() -> None:
    found = code_for("chinese.filtered").recipe
    assert found["chinese.rules"]["characters"] == {"minimum": 50, "maximum": 50_000}
    assert code_for("crawl.pages").recipe["crawl"]["start"] == "2024-11-01"


def test_the_version_names_code_and_recipe_apart() -> None:
    one = Code("a" * 64, {"x": 1})
    assert one.version.split("-")[0] == "a" * 12
    assert one.version.split("-")[0] == Code("a" * 64, {"x": 2}).version.split("-")[0]
    assert one.version != Code("a" * 64, {"x": 2}).version != Code("b" * 64, {"x": 2}).version
    assert Code("a", {"x": 1, "y": 2}).version == Code("a", {"y": 2, "x": 1}).version


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Code]]:
    """The code version of an asset with this body, in a package of its own."""
    monkeypatch.setattr(code, "ROOT", tmp_path)
    (tmp_path / "assets").mkdir()

    def made(body: str, helper: str = "return part") -> Code:
        forget()
        text = f"def made(recipe, engine):\n    {body}\n\n\ndef helper(part):\n    {helper}\n"
        (tmp_path / "assets" / "trial.py").write_text(text)
        function: Any = SimpleNamespace(__module__="neo_assets.assets.trial", __name__="made")
        return code_of(function, load_recipe("mini"))

    yield made
    forget()


@pytest.mark.parametrize(
    "body",
    [
        "return helper(recipe)",
        "return helper(part=recipe)",
        "whole = recipe\n    return whole.seed",
        "return recipe.model_dump()",
        "return [recipe]",
        "return engine.recipe",
    ],
)
def test_passing_the_whole_recipe_is_refused(trial: Callable[..., Code], body: str) -> None:
    with pytest.raises(LookupError, match=r"line \d: read a section of the recipe, not the whole"):
        trial(body)


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ("return recipe.chinese.rules.words", {"chinese.rules"}),
        ("return recipe.training.chosen.hidden_size", {"training"}),
        ("return recipe.corpus.subsets['x']", {"corpus.subsets"}),
        ("recipe = engine.recipe\n    return recipe.seed", {"seed"}),
        ("return [recipe.seed, recipe.platform.part_rows]", {"seed"}),
        ("return engine.job.recipe.release.name", {"release.name"}),
    ],
)
def test_recipe_reads(trial: Callable[..., Code], body: str, paths: set[str]) -> None:
    assert set(trial(body).recipe) == paths


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("return helper(recipe.seed)", True),
        ("return [helper for _ in engine]", True),
        ("return (lambda part: helper(part))(1)", True),
        # Not the module's helper, but a name of their own.
        ("helper = engine.helper\n    return helper(1)", False),
        ("for helper in engine:\n        return helper", False),
        ("return engine.helper(1)", False),
    ],
)
def test_helpers_count_where_they_are_used(trial: Callable[..., Code], body: str, counts: bool) -> None:
    assert (trial(body).digest != trial(body, helper="return 2 * part").digest) is counts


def test_a_function_inside_a_function_is_refused() -> None:
    def local() -> None:
        """Not at the top level of its module."""

    local.__module__ = "neo_assets.assets.chinese"
    with pytest.raises(LookupError, match=r"neo_assets\.assets\.chinese\.local is not a top-level function"):
        code_of(local, load_recipe("mini"))
