"""Dumps of other crawls and data sets: where their files are, and what is in them."""
