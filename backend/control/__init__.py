"""The control API on the unix socket: what the TUI and the shell ask of the engine."""
