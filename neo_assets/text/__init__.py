"""Text: normalisation, quality signals and the rules that judge by them, for English and Chinese."""
