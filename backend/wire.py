"""Every type that crosses the control socket, and API_VERSION; imports nothing of ours.

Losses are mean nats per token, sizes bytes, times ISO 8601 UTC, durations seconds (`_s`) or milliseconds (`_ms`).
"""

from typing import Any, Literal

import msgspec

API_VERSION = 1

SetName = Literal["auto", "train", "test"]
SourceKind = Literal["git", "archive", "folder", "file"]
SourceState = Literal["queued", "reading", "ready", "failed"]
JobKind = Literal["source", "scan", "train"]
JobState = Literal["queued", "running", "done", "stopped", "failed"]
RunState = Literal["queued", "preparing", "running", "paused", "done", "stopped", "failed"]
Verdict = Literal["accepted", "rejected"]
ServeMode = Literal["off", "latest-best", "specific"]
HostState = Literal["loading", "ready", "failed", "stopped"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of all wire types: immutable, keyword-only."""


class ErrorBody(Struct, frozen=True, kw_only=True):
    code: str
    message: str
    hint: str = ""


class ErrorAnswer(Struct, frozen=True, kw_only=True):
    """What the control API sends with every status of 400 and above."""

    error: ErrorBody


class EngineInfo(Struct, frozen=True, kw_only=True):
    pid: int
    version: str
    api_version: int
    uptime_s: float
    socket: str
    public_url: str


class Serving(Struct, frozen=True, kw_only=True):
    """What one hosted model answers with."""

    model: str
    mode: ServeMode
    checkpoint: str | None
    """`RUN:STEP`, or None for the base model."""
    state: HostState
    detail: str = ""
    switched_ms: float | None = None
    requests: int = 0
    requests_per_s: float = 0.0
    first_token_ms_p50: float | None = None
    first_token_ms_p95: float | None = None
    memory_bytes: int | None = None
    context: int = 0
    caps_version: int = 0


class Job(Struct, frozen=True, kw_only=True):
    id: int
    kind: JobKind
    name: str
    """What it works on: the source's name, `scan`, or the run's name."""
    state: JobState
    done: int = 0
    total: int = 0
    rate: float | None = None
    """Units a second; the unit is in `unit`."""
    unit: str = ""
    eta_s: float | None = None
    message: str = ""
    """What it is doing now, or why it failed."""
    hint: str = ""
    created: str = ""
    started: str | None = None
    ended: str | None = None


class Status(Struct, frozen=True, kw_only=True):
    engine: EngineInfo
    serving: list[Serving]
    jobs: list[Job]
    """Jobs that are queued or running, then the last few that ended."""


class AddSource(Struct, frozen=True, kw_only=True):
    what: str
    """A git URL, or an absolute path on this box."""
    name: str | None = None
    branch: str | None = None
    subfolder: str | None = None
    set: SetName = "auto"


class Understood(Struct, frozen=True, kw_only=True):
    """What `what` was recognised as, before anything is added."""

    kind: SourceKind
    name: str
    location: str
    sentence: str


class Source(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    kind: SourceKind
    set: SetName
    state: SourceState
    files: int | None
    commit: str | None
    location: str = ""
    branch: str | None = None
    subfolder: str | None = None
    accepted: int | None = None
    added: str = ""
    synced: str | None = None
    detail: str = ""
    """Why it failed, or what of it was refused (links, absolute paths …)."""
    job: int | None = None


class StartScan(Struct, frozen=True, kw_only=True):
    stage: Literal[1, 2] = 2
    model: str | None = None


class LanguageCount(Struct, frozen=True, kw_only=True):
    language: str
    files: int
    on: bool


class Scan(Struct, frozen=True, kw_only=True):
    """The newest scan of the project; `files == accepted + rejected`, `accepted == train + test`."""

    id: int
    state: JobState
    stage: int
    files: int
    accepted: int
    rejected: int
    reasons: dict[str, int]
    languages: dict[str, int]
    train: int
    test: int
    elapsed_s: float
    threshold: float
    stage1_accepted: int = 0
    model: str = ""
    histogram: list[int] = msgspec.field(default_factory=list)
    """Files per loss bucket of 0.25 nats, from 0; the last holds all above."""
    switches: list[LanguageCount] = msgspec.field(default_factory=list)
    detail: str = ""
    """E.g. "0 of 12 files accepted: 7 not_text, 5 too_large; nothing to train on"."""
    ended: str | None = None
    job: int | None = None


class ScannedFile(Struct, frozen=True, kw_only=True):
    id: int
    path: str
    source: str
    language: str | None
    size: int
    verdict: Verdict
    reason: str | None
    detail: str
    """The reason in words; empty for an accepted file."""
    loss: float | None
    set: Literal["train", "test"] | None


class FilePage(Struct, frozen=True, kw_only=True):
    rows: list[ScannedFile]
    total: int
    """Rows that match the filter."""
    after: int | None
    """Pass as `after` for the next page; None at the end."""


class FilePreview(Struct, frozen=True, kw_only=True):
    file: ScannedFile
    text: str
    """First 200 kB, decoded; empty where nothing may be shown."""
    line_losses: list[float | None] = msgspec.field(default_factory=list)
    note: str = ""


class StartRun(Struct, frozen=True, kw_only=True):
    """What to train; everything None or left out is planned."""

    name: str | None = None
    model: str | None = None
    steps: int | None = None
    """Exact: no early stop, no rounding."""
    minutes: float | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    """Overrides by the names of `backend.train.settings`: batch_size, lora_r, learning_rate, seed …"""


class Plan(Struct, frozen=True, kw_only=True):
    model: str
    steps: int
    batch_size: int
    tokens_per_epoch: int
    memory_bytes: int
    memory_available_bytes: int
    duration_s: float
    settings: dict[str, Any]
    overridden: list[str] = msgspec.field(default_factory=list)
    train_files: int = 0
    test_files: int = 0
    test_tokens: int = 0
    epochs: float = 0.0
    sentence: str = ""
    """E.g. "fits: 0.6 of 22 GB; about 2 min"."""


class TestLoss(Struct, frozen=True, kw_only=True):
    base: float | None = None
    best: float | None = None
    last: float | None = None


class Pair(Struct, frozen=True, kw_only=True):
    base: float | None
    tuned: float | None


class Evaluation(Struct, frozen=True, kw_only=True):
    """Held-out places completed by the base model and by the best checkpoint."""

    places: int
    exact_match: Pair
    """Share of places, 0..1."""
    edit_similarity: Pair
    """Mean, 0..1."""
    middle_loss: Pair | None = None


class Run(Struct, frozen=True, kw_only=True):
    run: str
    model: str
    state: RunState
    step: int
    steps: int
    test_loss: TestLoss
    best_checkpoint: str | None
    evaluation: Evaluation | None
    reason: str | None
    """Why it failed, stopped or paused; None otherwise."""
    phase: str = ""
    """While alive: "reading files", "base test loss", "training", "evaluating" …"""
    train_loss: float | None = None
    learning_rate: float | None = None
    tokens_per_s: float | None = None
    memory_bytes: int | None = None
    elapsed_s: float = 0.0
    eta_s: float | None = None
    created: str = ""
    started: str | None = None
    ended: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    train_files: int = 0
    test_files: int = 0
    attempts: int = 0
    """How often the engine has resumed it after its trainer died."""
    job: int | None = None


class Metric(Struct, frozen=True, kw_only=True):
    step: int
    train_loss: float | None
    test_loss: float | None
    learning_rate: float | None
    tokens_per_s: float | None


class MetricEvent(Struct, frozen=True, kw_only=True):
    run: str
    metric: Metric


class Checkpoint(Struct, frozen=True, kw_only=True):
    id: str
    """`RUN:STEP`."""
    model: str
    test_loss: float | None
    best: bool
    served: bool
    size: int
    made: str
    path: str
    run: str = ""
    step: int = 0
    base_loss: float | None = None


class Use(Struct, frozen=True, kw_only=True):
    mode: ServeMode
    checkpoint: str | None = None
    model: str | None = None


class Used(Struct, frozen=True, kw_only=True):
    model: str
    mode: ServeMode
    checkpoint: str | None
    switched_ms: float
    dropped: int = 0


class Complete(Struct, frozen=True, kw_only=True):
    prefix: str
    suffix: str = ""
    model: str | None = None
    """`MODEL` or `MODEL:RUN:STEP`; None is what is served. `MODEL:base` is the base whatever is served."""
    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    stop: list[str] = msgspec.field(default_factory=list)


class Completion(Struct, frozen=True, kw_only=True):
    text: str
    model: str
    checkpoint: str | None
    tokens: int
    first_token_ms: float
    total_ms: float
    finish_reason: Literal["stop", "length"] = "stop"


class Model(Struct, frozen=True, kw_only=True):
    name: str
    family: str
    parameters: int
    context: int
    loss_threshold: float
    hosted: bool


class Finding(Struct, frozen=True, kw_only=True):
    """One line of `doctor`."""

    check: str
    ok: bool | None
    finding: str
    remedy: str = ""


class LogLine(Struct, frozen=True, kw_only=True):
    at: str
    level: str
    text: str


class State(Struct, frozen=True, kw_only=True):
    """Everything a TUI needs to draw; deltas follow on `/events` after `last_event_id`."""

    engine: EngineInfo
    serving: list[Serving]
    jobs: list[Job]
    sources: list[Source]
    scan: Scan | None
    runs: list[Run]
    checkpoints: list[Checkpoint]
    models: list[Model]
    last_event_id: int


class Event(Struct, frozen=True, kw_only=True):
    """One change. `kind` names the type of `data`.

    job: Job · source: Source · source_removed: {"name"} · scan: Scan · run: Run · metric: MetricEvent ·
    checkpoints: {"checkpoints": [Checkpoint]} (the whole list) · serving: Serving · log: LogLine ·
    engine: {"state": "stopping"} · reset: {}
    """

    id: int
    kind: str
    data: Any
