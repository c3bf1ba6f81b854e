"""Every verb there is: importing a group's file declares its verbs."""

from refact_tui.cli import (
    checkpoints,
    checkpoints_compare,
    credentials,
    engine,
    examine,
    hosting,
    keys,
    models,
    projects,
    quickstart,
    scan,
    scan_changes,
    serve,
    settings,
    sources,
    train,
    train_names,
)
from refact_tui.cli.verbs import main

__all__ = [
    "checkpoints",
    "checkpoints_compare",
    "credentials",
    "engine",
    "examine",
    "hosting",
    "keys",
    "main",
    "models",
    "projects",
    "quickstart",
    "scan",
    "scan_changes",
    "serve",
    "settings",
    "sources",
    "train",
    "train_names",
]
