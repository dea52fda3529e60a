"""Tests of the recall loop."""
