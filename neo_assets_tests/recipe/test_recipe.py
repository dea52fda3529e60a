"""Recipes: those that ship load; a wrong one is refused with the key's path, the reason and the fix, a line a fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from neo_assets.recipe.recipe import RECIPES, Recipe, RecipeError, available_recipes, load_recipe, recipe_path


def mini() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((RECIPES / "mini.yaml").read_text(encoding="utf-8"))
    return data


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path; numbers are list indices, `...` deletes."""
    *parents, last = path.split(".")
    place: Any = data
    for step in parents:
        place = place[int(step)] if step.isdecimal() else place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value


@pytest.fixture
def faults(tmp_path: Path) -> Callable[..., list[str]]:
    """The faults of the mini recipe with these changes, one line each, without the file's name."""

    def of(**changes: Any) -> list[str]:
        data = mini()
        for path, value in changes.items():
            put(data, path, value)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
        with pytest.raises(RecipeError) as refused:
            load_recipe(str(file))
        first, *lines = str(refused.value).splitlines()
        assert first == f"{file}: {len(lines)} fault(s)"
        assert all(line.startswith("  ") for line in lines)
        return [line.removeprefix("  ") for line in lines]

    return of


@pytest.mark.parametrize("name", available_recipes())
def test_every_shipped_recipe_loads_and_survives_json(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    # Jobs get the recipe as JSON.
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


UNKNOWN = "unknown key. Remove it, or correct its spelling"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sed": 1}, f"sed: {UNKNOWN} (did you mean 'seed'?)."),
        ({"crawl.max_pags": 1}, f"crawl.max_pags: {UNKNOWN} (did you mean 'max_pages'?)."),
        ({"zzzzz": 1}, f"zzzzz: {UNKNOWN}."),
        # Through lists, maps of names, optional sections and one of several kinds.
        ({"training.phases.0.n_step": 1}, f"training.phases.0.n_step: {UNKNOWN} (did you mean 'n_steps'?)."),
        ({"english.sources.code.pth": "x"}, f"english.sources.code.pth: {UNKNOWN} (did you mean 'path'?)."),
        (
            {"chinese.rules.characters.minimun": 1},
            f"chinese.rules.characters.minimun: {UNKNOWN} (did you mean 'minimum'?).",
        ),
        (
            {"training.phases.1.schedule.half_life": 9},
            f"training.phases.1.schedule.half_life.half_life: {UNKNOWN} (did you mean 'half_life_steps'?).",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(
    faults: Callable[..., list[str]], change: dict[str, Any], fault: str
) -> None:
    assert faults(**change) == [fault]


@pytest.mark.parametrize("path", ["seed", "crawl", "crawl.max_pages", "training.phases.0.n_steps", "release.title"])
def test_a_missing_key_is_named(faults: Callable[..., list[str]], path: str) -> None:
    assert faults(**{path: ...}) == [f"{path}: required key is missing. Add it."]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("seed", "many", "seed: Input should be a valid integer, unable to parse string as an integer (found 'many')."),
        ("seed", -1, "seed: Input should be greater than or equal to 0 (found -1)."),
        # Taken for a number, a wrong type would be silent.
        ("seed", "42", "seed: expected a number; write it without quotes, and 1.0e-3 for 1e-3 (found '42')."),
        ("seed", True, "seed: expected a number; write it without quotes, and 1.0e-3 for 1e-3 (found True)."),
        ("training.phases.1.finetune", "yes", "training.phases.1.finetune: expected true or false (found 'yes')."),
        (
            "training.phases.1.schedule.peak_lr",
            "2e-3",
            "training.phases.1.schedule.half_life.peak_lr: "
            "expected a number; write it without quotes, and 1.0e-3 for 1e-3 (found '2e-3').",
        ),
        (
            "tokenizer.sampling.weights",
            {"code": "2"},
            "tokenizer.sampling.weights: code: expected a number; write it without quotes, and 1.0e-3 for 1e-3.",
        ),
        ("crawl", [], "crawl: Input should be a valid dictionary or instance of CrawlSection (found [])."),
    ],
)
def test_a_wrong_type_is_refused(faults: Callable[..., list[str]], path: str, value: Any, fault: str) -> None:
    assert faults(**{path: value}) == [fault]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"tokenizer.sampling.weights": {"code": 2, "lawzh": 1}},
            "tokenizer.sampling.weights: no subset lawzh in corpus.subsets (did you mean 'law_zh'?); name one of code,",
        ),
        (
            {"training.architectures.mini.vocab_rows": 4096},
            "training.architectures.mini.vocab_rows: is 4096, but the tokenizer has 4101 ids, which at tensor parallel"
            " 1 take 4224 rows; set it to 4224",
        ),
        (
            {"training.architectures.mini.tensor_parallel": 2},
            "training.architectures.mini.vocab_rows: is 4224, but the tokenizer has 4101 ids, which at tensor parallel"
            " 2 take 4352 rows; set it to 4352",
        ),
        (
            {"corpus.subsets.book_en.sources": ["gutenburg"]},
            "corpus.subsets.book_en.sources: no source gutenburg in english.sources (did you mean 'gutenberg'?);"
            " add it there, or name one of crawl, dumps, documents, gutenberg, ",
        ),
        (
            {"corpus.subsets.law_zh.sources": ["code"]},
            "corpus.subsets.law_zh.sources: only the English line has sources, so a chinese subset can take none;"
            " give hosts instead",
        ),
        (
            {"training.phases.1.name": "annealing"},
            "training.phases ['annealing', 'fundamental'] and corpus.phases ['decay', 'fundamental'] must name the same"
            " phases; add the missing mix or phase",
        ),
    ],
)
def test_sections_that_contradict_each_other_are_refused(
    faults: Callable[..., list[str]], change: dict[str, Any], fault: str
) -> None:
    [found] = faults(**change)
    assert found.startswith(fault)


def test_every_fault_is_told_at_once(faults: Callable[..., list[str]]) -> None:
    within = faults(**{"seed": -1, "crawl.max_pages": 0, "sed": 3})
    assert [line.split(":")[0] for line in within] == ["seed", "crawl.max_pages", "sed"]
    between = faults(
        **{
            "tokenizer.sampling.weights": {"cc_fr": 1},
            "corpus.subsets.book_en.sources": ["x"],
            "tokenizer.vocab_size": 99,
        }
        | {"tokenizer.byte_fallback": False}
    )
    assert [line.split(":")[0] for line in between] == [
        "corpus.subsets.book_en.sources",
        "tokenizer.sampling.weights",
        "training.architectures.mini.vocab_rows",
    ]


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    for content, reason in (
        (b"a: [1,\n", "not YAML: "),
        (b"\xff\xfe\xfa", "not YAML: "),
        (b"seed: 1\nname: x\nseed: 2\n", "not YAML: line 3: the key 'seed' is given twice; keep one"),
        (b"- a\n", "expected a mapping of sections, found list"),
        (b"", "expected a mapping of sections, found NoneType"),
    ):
        file.write_bytes(content)
        with pytest.raises(RecipeError) as refused:
            load_recipe(str(file))
        assert str(refused.value).startswith(f"{file}: {reason}")
        assert "\n" not in str(refused.value)


def test_a_recipe_is_named_by_name_path_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "mine.yaml"
    copy.write_text((RECIPES / "mini.yaml").read_text(encoding="utf-8").replace("name: mini", "name: mine", 1))
    monkeypatch.delenv("NEO_RECIPE", raising=False)
    assert load_recipe().name == "mini"
    monkeypatch.setenv("NEO_RECIPE", "matrix")
    assert load_recipe().name == "matrix"
    assert load_recipe("mini").name == "mini"
    monkeypatch.setenv("NEO_RECIPE", str(copy))
    assert load_recipe().name == "mine"
    monkeypatch.chdir(tmp_path)
    assert recipe_path("mine.yaml").read_text() == copy.read_text()
    with pytest.raises(RecipeError, match=r"no recipe 'nothing': give a path to a YAML file or one of matrix, mini"):
        load_recipe("nothing")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    data = mini()
    for seed in (1, 2):
        file.write_text(yaml.safe_dump(data | {"seed": seed}, allow_unicode=True, sort_keys=False), encoding="utf-8")
        assert load_recipe(str(file)).seed == seed


def test_a_recipe_is_frozen() -> None:
    recipe = load_recipe("mini")
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.phases[0].n_steps = 1  # type: ignore[misc]
