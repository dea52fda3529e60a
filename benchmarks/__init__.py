"""Benchmarks against peers, run side by side on the same input; results are written to `benchmarks/results/`."""
