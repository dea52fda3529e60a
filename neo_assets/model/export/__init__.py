"""A checkpoint opened for scoring, and as a Hugging Face folder: weights both ways, and an equal tokenizer."""
