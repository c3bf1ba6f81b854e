"""`python -P -m backend.models JOB.json`: downloads or checks one model; records go to stdout."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from backend.errors import RefactError
from backend.models import families
from backend.models.catalog import as_json
from backend.models.describe import Wanted, describe
from backend.models.fetch import Download, fetch


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has to do: download, where there is something to, else describe and check."""

    wanted: Wanted
    own: str
    """The user's models.toml, which need not be there."""
    download: Download | None = None


def main(path: str) -> int:
    """0 done, 1 failed with a record that says why."""
    job = msgspec.json.decode(Path(path).read_bytes(), type=Job)
    # What libraries print must not land among the records.
    records = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def emit(record: dict[str, Any]) -> None:
        records.write(msgspec.json.encode(record) + b"\n")
        records.flush()

    try:
        if job.download:
            fetch(job.download, job.wanted, Path(job.own), emit)
        else:
            found = describe(job.wanted, families.read(Path(job.own)))
            emit({"kind": "described", "parameters": found.parameters})
            from backend.models.check import check

            emit({"kind": "found", "info": as_json(check(found))})
    except Exception as error:
        refusal = in_words(error)
        emit({"kind": "error", "message": refusal.message, "hint": refusal.hint})
        return 1
    emit({"kind": "end"})
    return 0


def in_words(error: Exception) -> RefactError:
    """Whatever went wrong, as a sentence and what to do."""
    if isinstance(error, RefactError):
        return error
    if isinstance(error, MemoryError):
        return RefactError("There is not enough memory to check it.", "Close something, then add it again.")
    if isinstance(error, OSError):
        where = error.filename or "The disk"
        return RefactError(f"{where} cannot be used: {error.strerror or error}.", "Look at its permissions and space.")
    # What a stranger's files lead to is not foreseen; the log has the rest.
    logging.exception("a model could not be checked")
    words = f"It could not be checked: {type(error).__name__}: {error}"[:300]
    hint = "Is it whole? logs/models.log in the state folder says more."
    return RefactError("".join(one for one in words if one.isprintable()), hint)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
