"""The engine of refact-tui: brings code in, scans it, fine-tunes on it, serves completions; nobody needs to watch."""

__version__ = "0.1.0"
