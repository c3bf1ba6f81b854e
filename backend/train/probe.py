"""Code from elsewhere, by which a run is asked what it has made the model forget: modules of Python's own library."""

import sysconfig
from pathlib import Path

MODULES = """
argparse ast bisect calendar cmd codecs configparser contextlib copy csv dataclasses difflib email/message enum
fileinput fnmatch fractions functools glob gzip heapq html/parser http/client inspect json/decoder json/encoder
logging/handlers mailbox mimetypes numbers optparse pathlib pickle pprint queue random sched selectors shutil
smtplib socketserver statistics string tarfile tempfile textwrap threading tokenize traceback urllib/request
uuid wave weakref zipfile
"""
CHARACTERS = 3000
"""Of each module, from its middle: the beginnings are documentation."""


def texts() -> list[str]:
    """A piece of each module that this Python has; whole lines."""
    library = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for name in MODULES.split():
        path = library / f"{name}.py"
        if path.is_file():
            found.append(_piece(path.read_text(encoding="utf-8", errors="replace")))
    return found


def _piece(text: str) -> str:
    start = max((len(text) - CHARACTERS) // 2, 0)
    start = text.find("\n", start) + 1 if start else 0
    return text[start : start + CHARACTERS].rpartition("\n")[0]
