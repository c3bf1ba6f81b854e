"""Every verb there is: importing a group's file declares its verbs."""

from refact_tui.cli import engine, examine, quickstart, scan, scan_changes, serve, sources, train
from refact_tui.cli.verbs import main

__all__ = ["engine", "examine", "main", "quickstart", "scan", "scan_changes", "serve", "sources", "train"]
