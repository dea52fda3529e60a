"""Evaluation of checkpoints with lm-evaluation-harness on local tasks, offline."""
