"""Questions that wait for an answer, each a modal screen with a typed result."""
