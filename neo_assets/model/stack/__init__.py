"""One rank's model, optimiser and share of every batch, on the CPU or on GPUs, from megatron-core's parts."""
