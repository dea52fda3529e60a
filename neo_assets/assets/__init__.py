"""The graph: one module per area. An asset chooses its inputs, calls a library, and returns lazy rows."""

AREAS = (
    *("crawl", "documents", "english", "chinese", "supplement"),
    *("corpus", "tokenizer", "training", "evaluation", "release"),
)
