"""Labelled truth for near deduplication: which documents really are duplicates, found without the code under test."""
