"""Deduplication: exact, and near by MinHash-LSH with verification."""
