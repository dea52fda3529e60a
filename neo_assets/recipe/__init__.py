"""Recipes: frozen, checked settings. `recipe.recipe` holds the tree and its loading, each other module a section."""
