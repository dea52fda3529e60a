"""Judges: language models that are asked about records, and whose every answer is kept."""
