"""The rule catalogues as the Markdown of `docs/rules.md`: `python -m neo_assets.text.rule_table > docs/rules.md`.

Recipes are those that ship with the package; a range equal in all of them stands once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from neo_assets.recipe.limits import Range
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.text.released_rules import RELEASED_CHINESE_RULES, RELEASED_GENERIC_RULES, released_redpajama_rules
from neo_assets.text.rule import Rule
from neo_assets.text.rules import CHINESE_RULES, GENERIC_RULES, REDPAJAMA_RULES

RECIPES = ("mini", "matrix")

_HEAD = """# Rules

Made from `neo_assets/text/rules.py` and the shipped recipes by `python -m neo_assets.text.rule_table`; do not edit.

A rule keeps a document whose signal lies in a range. Numbers count the conditions of MAP-Neo's released filters in
their order; rules without one are ours, or are switched off in its code. *Released code* says what it does differently;
the profile `faithful` decides so, `corrected` (the default) as in this table. A document is rejected by the first rule
it fails, in this order, and its decision lists all that it fails. A document without a signal goes to quarantine,
except where the rule passes it (*or null*): signals of reference models that the recipe has not configured.
"""

_SECTIONS = (
    ("English, generic (B)", "english.rule_sets.generic", GENERIC_RULES, RELEASED_GENERIC_RULES),
    (
        "English, RedPajama-V2 (A)",
        "english.rule_sets.redpajama",
        REDPAJAMA_RULES,
        released_redpajama_rules(REDPAJAMA_RULES),
    ),
    ("Chinese (C)", "chinese.rules", CHINESE_RULES, RELEASED_CHINESE_RULES),
)


def rules_page() -> str:
    """The whole page."""
    recipes = {name: load_recipe(name) for name in RECIPES}
    parts = [_HEAD, *("\n".join(_table(*section, recipes)) for section in _SECTIONS)]
    return "\n".join(parts) + "\n"


def _table(
    title: str, path: str, rules: Sequence[Rule], released: Sequence[Rule], recipes: dict[str, Recipe]
) -> Iterator[str]:
    notes = {(rule.number, rule.name): rule.released for rule in released}
    yield f"## {title}\n"
    yield f"Limits: `{path}`.\n"
    yield f"| rule | number | signal | keeps {' / '.join(recipes)} | unit | origin | released code |"
    yield "|---|---|---|---|---|---|---|"
    for rule in rules:
        limits = [_shown(rule, _limit(recipe, path, rule.name)) for recipe in recipes.values()]
        keeps = limits[0] if len(set(limits)) == 1 else " / ".join(limits)
        cells = (rule.name, rule.number, f"`{rule.signal}`", keeps, rule.unit, rule.origin)
        note = notes.get((rule.number, rule.name), rule.released)
        yield f"| {' | '.join((*cells, note))} |"
    yield ""


def _limit(recipe: Recipe, path: str, name: str) -> Range | bool | None:
    limits = reduce(getattr, path.split("."), recipe)
    limit: Range | bool | None = getattr(limits, name)
    return limit


def _shown(rule: Rule, limit: Range | bool | None) -> str:
    if not limit:
        return "off"
    if rule.comparison != "range" or not isinstance(limit, Range):
        return "that of the line or source" if rule.comparison == "equals" else "none"
    low = "" if limit.minimum is None else f"{'≥' if rule.bounds == 'inclusive' else '>'} {limit.minimum:,.10g}"
    high = "" if limit.maximum is None else f"{'<' if rule.bounds == 'exclusive' else '≤'} {limit.maximum:,.10g}"
    return ", ".join(filter(None, (low, high))) + (" or null" if rule.missing == "passes" else "")


if __name__ == "__main__":
    import sys

    sys.stdout.write(rules_page())
