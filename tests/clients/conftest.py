"""The box that serves the starter, for clients that nobody here wrote."""

from tests.serve.conftest import box, starter

__all__ = ["box", "starter"]
