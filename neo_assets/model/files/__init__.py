"""Checkpoints as plain files that no parallel layout binds: written whole or not at all, verified, digested."""
