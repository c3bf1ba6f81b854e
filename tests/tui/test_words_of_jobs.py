"""Every kind of job has its words, whether or not it says what it does; how far it is fits into its line."""

from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from rich.cells import cell_len

from backend import wire
from refact_tui.words_of_jobs import ROOMS, ended_words, job_lines, job_rows, just_ended, progress, title

NOW = datetime(2026, 11, 24, 9, 2, 5, tzinfo=UTC)
JOB = wire.Job(
    id=1,
    kind="model",
    name="own",
    state="running",
    done=1_200_000_000,
    total=3_000_000_000,
    rate=12_000_000.0,
    unit="bytes",
    eta_s=150.0,
    message="downloading model.safetensors",
    started="2026-11-24T09:00:00.000+00:00",
)
SCAN = msgspec.structs.replace(
    JOB, kind="scan", name="scan", done=41, total=100, rate=0.42, unit="files", message="measuring losses"
)


@pytest.mark.parametrize("kind", get_args(wire.JobKind))
def test_every_kind_is_named(kind: wire.JobKind) -> None:
    job = wire.Job(id=1, kind=kind, name="billing", state="running", done=1, total=2)
    assert title(job) in {"scan", "a night's training"} or title(job).endswith(" billing")
    assert job_lines(job, 80)[0][0].split("  ")[0]
    assert kind in ROOMS or kind == "warmup"


def test_it_is_said_how_much_how_fast_since_when_and_how_long_still() -> None:
    assert " ".join(progress(JOB, 130, NOW).split()) == (
        "downloading model.safetensors ████████············ 40% 1.1 GB/2.8 GB 11 MB/s elapsed 2m05s ETA 2m30s"
    )
    assert progress(SCAN, 120, NOW).endswith("  41%  41/100 files  0.42 files/s  elapsed 2m05s  ETA 2m30s")


def test_without_a_known_end_it_is_said_since_when() -> None:
    checking = msgspec.structs.replace(JOB, message="checking", done=0, total=0, rate=None, unit="", eta_s=None)
    assert progress(checking, 80, NOW) == "checking  elapsed 2m05s"
    listing = msgspec.structs.replace(checking, message="listing files", done=1204, unit="files", started=None)
    assert progress(listing, 80, NOW) == "listing files  1 204 files"
    assert progress(msgspec.structs.replace(checking, state="queued", message=""), 80, NOW) == "waits for its turn"


@pytest.mark.parametrize("width", range(64, 140, 4))
@pytest.mark.parametrize("job", [JOB, SCAN])
def test_it_fits_and_says_the_time_left_last_of_all(job: wire.Job, width: int) -> None:
    said = progress(job, width, NOW)
    assert cell_len(said) <= width
    assert said.endswith("ETA 2m30s") and "%" in said
    assert ("elapsed" in said) <= ("/s" in said)


def test_who_ended_by_themselves_and_how() -> None:
    jobs = [msgspec.structs.replace(JOB, id=number) for number in range(4)]
    states: tuple[wire.JobState, ...] = ("done", "failed", "stopped", "running")
    after = [msgspec.structs.replace(job, state=state) for job, state in zip(jobs, states, strict=True)]
    ended = just_ended(jobs, after)
    assert [job.id for job in ended] == [0, 1]
    assert just_ended(after, after) == []
    broke = msgspec.structs.replace(ended[1], message="No \x1b[2Jspace.", hint="Free some.")
    assert [ended_words(job) for job in (ended[0], broke)] == [
        "add own is done.",
        "add own failed: No ␛[2Jspace. Free some.",
    ]


def test_what_is_done_is_all_of_it() -> None:
    done = msgspec.structs.replace(JOB, state="done", done=0, total=0)
    assert job_rows([done])[0].cells[2][0] == "100%"
