"""Training over a range of checkpoints: steps, what is left out, snapshots, ranks and the process that watches them."""
