"""The engine of refact-tui: brings code in, scans it, fine-tunes on it, and serves completions; works with nobody watching."""
