"""From documents to positions, steps and checkpoints, and back."""
