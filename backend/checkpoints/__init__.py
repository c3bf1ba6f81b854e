"""Checkpoints: what training has left, which is best, and which one each model answers with."""
