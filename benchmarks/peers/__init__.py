"""Adapters that run other systems' filters on our documents, each in its own process and virtual environment."""
