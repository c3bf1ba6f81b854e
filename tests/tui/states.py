"""One engine in each of the states in which its rooms are looked at: nothing there, at work, done, gone wrong."""

from typing import Any

import msgspec

from backend import wire
from tests.tui import tuning_samples
from tests.tui.samples import ANSWERS, BUSY, JOB, SCAN, SOURCES, TRAINING
from tests.tui.stub_engine import EMPTY
from tests.tui.tuning_samples import DONE, FAILED, POINTS, RUN

BEGUN: dict[str, Any] = {"created": "2026-11-24T09:18:00.000Z", "started": "2026-11-24T09:18:00.000Z"}
SCANNING = wire.Job(
    id=11,
    kind="scan",
    name="scan",
    state="running",
    done=8120,
    total=12480,
    rate=812.0,
    unit="files",
    message="stage 2",
    eta_s=60,
    **BEGUN,
)
READING = msgspec.structs.replace(JOB, done=41_000_000, total=100_000_000, **BEGUN)
RUNNING = msgspec.structs.replace(TRAINING, **BEGUN)
ENDED = [
    msgspec.structs.replace(
        job, state="done", done=job.total, rate=None, eta_s=None, message=said, ended=f"2026-11-24T09:2{minute}:00.000Z"
    )
    for minute, (job, said) in enumerate(
        [(READING, "1 011 of 1 204 files accepted"), (RUNNING, "best test loss 1.050 at step 80")]
    )
]
BROKEN = wire.Job(
    id=12,
    kind="source",
    name="old-shop",
    state="failed",
    message="git refused the address: Repository not found.",
    hint="Check the URL and the key.",
    ended="2026-11-24T09:20:00.000Z",
    **BEGUN,
)
READY = msgspec.structs.replace(
    tuning_samples.SERVING,
    requests=1204,
    requests_per_s=3.2,
    first_token_ms_p50=48.0,
    first_token_ms_p95=110.0,
    acceptance=0.31,
    dtype="fp32",
    memory_bytes=120_000_000,
)
COMING = wire.Serving(
    model="qwen2.5-coder-1.5b", mode="off", checkpoint=None, state="downloading", detail="41 %", device=""
)
GONE = msgspec.structs.replace(
    COMING,
    state="failed",
    detail="It needs 3.4 GB and 2.1 GB are free on this box.",
)
SCANNED = msgspec.structs.replace(SCAN, ended="2026-11-24T07:20:00.000Z")
HALF = msgspec.structs.replace(
    SCAN,
    state="running",
    job=11,
    files=8120,
    stage1_accepted=6010,
    accepted=5760,
    rejected=2360,
    train=0,
    test=0,
    reasons={"duplicate": 902, "vendored": 610, "not_text": 301, "loss_too_high": 250, "generated": 200},
    detail="",
)


def state(**fields: Any) -> wire.State:
    """A busy afternoon, but for what is said otherwise."""
    return msgspec.structs.replace(BUSY, **{"checkpoints": POINTS, "serving": [READY], **fields})


STATES = {
    "empty": EMPTY,
    "busy": state(
        jobs=[READING, RUNNING, SCANNING], sources=SOURCES[:4], scan=HALF, runs=[RUN, DONE], serving=[READY, COMING]
    ),
    "done": state(jobs=ENDED, sources=SOURCES[:3], scan=SCANNED, runs=[DONE]),
    "failed": state(
        jobs=[BROKEN],
        sources=[*SOURCES[:3], SOURCES[4]],
        scan=msgspec.structs.replace(
            SCANNED,
            state="failed",
            detail="Reading the files with the model failed: it does not fit into memory. Close other programs.",
        ),
        runs=[FAILED, DONE],
        serving=[READY, GONE],
    ),
}
FINDINGS = [
    wire.Finding(check="python", ok=True, finding="Python 3.11.7, 2 cores."),
    wire.Finding(check="git", ok=False, finding="git is not installed.", remedy="Install git to add repositories."),
]
REFUSED = wire.ErrorAnswer(
    error=wire.ErrorBody(
        code="conflict", message="billing-3:40 cannot be read: its files are damaged.", hint="Serve another one."
    )
)


def answers() -> dict[str, Any]:
    """What the engine says to whoever looks."""
    return {**ANSWERS, **tuning_samples.answers(), "POST /use": REFUSED, "GET /doctor": FINDINGS, "GET /elsewhere": []}
