"""The engine on Spark: the same rows, parts and bytes as the local one, over as many machines as Spark has."""
