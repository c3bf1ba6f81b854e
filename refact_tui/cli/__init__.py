"""The shell verbs: one file a group, each the same request that the screen makes, with JSON for scripts."""
