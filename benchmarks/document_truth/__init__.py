"""Documents whose text, order, tables and formulas are known: made from a seed number, and how results are judged."""
