"""Fills the cache: `python -m neo_assets.documents.models [NAME …]` fetches these models, or all."""

from __future__ import annotations

import argparse
import logging
import sys

from neo_assets.documents.models import MODELS, ModelError, fetch_all


def main() -> None:
    """Fetch, and print each model's folder."""
    parser = argparse.ArgumentParser(prog="python -m neo_assets.documents.models", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}; all if none is given")
    names = parser.parse_args().names or list(MODELS)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for name, folder in fetch_all(names).items():
            print(f"{name}\t{folder}")
    except ModelError as fault:
        sys.exit(f"error: {fault}")


if __name__ == "__main__":
    main()
