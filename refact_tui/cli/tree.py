"""Every verb there is: importing a group's file declares its verbs."""

from refact_tui.cli import (
    ask,
    checkpoints,
    checkpoints_compare,
    credentials,
    engine,
    examine,
    hosting,
    models,
    projects,
    quickstart,
    scan,
    scan_changes,
    serve,
    sources,
    train,
    train_names,
)
from refact_tui.cli.verbs import main

__all__ = [
    "ask",
    "checkpoints",
    "checkpoints_compare",
    "credentials",
    "engine",
    "examine",
    "hosting",
    "main",
    "models",
    "projects",
    "quickstart",
    "scan",
    "scan_changes",
    "serve",
    "sources",
    "train",
    "train_names",
]
