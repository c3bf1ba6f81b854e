"""The engine of refact-tui: brings code in, scans it, fine-tunes on it, and serves completions; works with nobody watching."""

__version__ = "0.1.0"
