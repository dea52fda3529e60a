"""How rows move: lazy relations (`map` a kernel, `query` in SQL) and the engines that carry them out."""
