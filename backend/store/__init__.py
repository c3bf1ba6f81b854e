"""State on disk: one SQLite database with one writer, and the contents of scanned files beside it."""
