"""GitHub Linguist 7.22.1 in Python: which language a file is in, and whether a person of this project wrote it."""
