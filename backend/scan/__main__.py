"""`python -P -m backend.scan JOB.json`: one stage of a scan in its own process; records go to stdout."""

import os
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from backend.errors import RefactError
from backend.scan.classify import classify
from backend.scan.near import near
from backend.scan.score import score
from backend.sources.members import Place


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has to do."""

    stage: Literal[1, 2, "near"]
    state: str
    content: str
    places: list[Place] = []
    reuse: bool = False
    model: str = ""
    """Its description as JSON."""
    context: int = 0
    items: str = ""
    attributes: dict[str, str] = {}
    """Fingerprints of each source's .gitattributes at the last scan."""
    project: int = 1
    before: str = ""
    """Fingerprint of the contents that were last compared."""


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
        if job.stage == 1:
            classify(job.places, Path(job.state), Path(job.content), job.reuse, emit, job.attributes)
        elif job.stage == "near":
            near(Path(job.state), Path(job.content), job.project, job.before, emit)
        else:
            score(job.model, job.context, Path(job.items), Path(job.content), emit)
    except RefactError as error:
        emit({"kind": "error", "message": error.message, "hint": error.hint})
        return 1
    except MemoryError:
        emit(
            {
                "kind": "error",
                "message": "There is not enough memory for the scan.",
                "hint": "Close something, then scan again.",
            }
        )
        return 1
    emit({"kind": "end"})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
