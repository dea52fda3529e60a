"""The language model: architecture, training on CPU, checkpoints, conversion."""
