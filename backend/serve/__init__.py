"""Completions: the public API, one worker process per hosted model, and what each model answers with."""
