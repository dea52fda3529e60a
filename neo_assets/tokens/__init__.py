"""From kept documents to what the trainer reads: subsets, tokenizer, token shards, the order, chunks, exposures.

    documents ─ mix ─ sample ─ tokenizer ─ shards (.bin/.idx and spans) ─ order ─ chunks ─ exposures

Every position of training leads back through a span to a document and its URL, and every document forward to the
positions and checkpoints at which it was trained on.
"""
