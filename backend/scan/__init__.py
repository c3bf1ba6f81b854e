"""Keeps the good files: language, rules, duplicates, and the loss of the model that will be tuned."""
