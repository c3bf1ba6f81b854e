"""Brings code in: git, archives, folders and single files, each a stream of (path, bytes)."""
