"""Formulas as LaTeX: our own reader of glyphs and their places, and larger readers behind its interface."""
