"""Every kind of job has its words, whether or not it says what it does."""

from typing import get_args

import pytest

from backend import wire
from refact_tui.words_of_jobs import job_lines, title


@pytest.mark.parametrize("kind", get_args(wire.JobKind))
def test_every_kind_is_named(kind: wire.JobKind) -> None:
    job = wire.Job(id=1, kind=kind, name="billing", state="running", done=1, total=2)
    assert title(job) in {"scan", "a night's training"} or title(job).endswith(" billing")
    assert job_lines(job, 80)[0][0].split("  ")[0]
