"""The tokenizer: its sample, its training, exact and fast encoding, and how well it fits the corpus."""
