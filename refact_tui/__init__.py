"""The face of refact-tui: the terminal program and the shell verbs; draws and asks, decides nothing."""
