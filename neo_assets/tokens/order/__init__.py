"""The order of a run: what each phase reads, drawn as a permutation, and cut into chunks."""
