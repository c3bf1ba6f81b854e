"""Widgets the rooms are made of."""
