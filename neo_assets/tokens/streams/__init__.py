"""Token streams: the documents of a subset in Megatron's files, with a span for each."""
