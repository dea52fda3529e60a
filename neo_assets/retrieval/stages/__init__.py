"""The stages of a round over an engine: what the assets of the supplement return, a module each.

A stage takes committed tables and gives relations, so that the same code runs on one machine and on a cluster. Only
small tables are read whole: strata, judgements, thresholds, progress.
"""
