"""Recipes: frozen, checked settings. `recipe.recipe` holds the tree and its loading, the other modules a section each."""
