"""Redistributable real texts, pages and lists that the smallest recipe runs on; see README.md for their licences."""

from pathlib import Path

SEED_FOLDER = Path(__file__).parent
"""Where the seed's files are."""

DATA_FILES = ("MANIFEST.jsonl",)
"""The manifest holds the digest of every file of the seed: what reads the seed is made anew when a file changes."""
