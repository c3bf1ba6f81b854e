"""Sources are read into a context like that of the scan."""

from tests.scan.conftest import context

__all__ = ["context"]
