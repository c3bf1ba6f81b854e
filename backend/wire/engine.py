"""The engine itself on the wire: who it is, what it does and serves, its state as a whole, its events."""

from typing import Any

import msgspec

from backend.wire.base import HostState, JobKind, JobState, ServeMode, Struct
from backend.wire.code import Credential, PinnedHost, Scan, Source
from backend.wire.models import Model, Placement
from backend.wire.people import ApiKey, ServeSetting
from backend.wire.tuning import Checkpoint, Run


class EngineInfo(Struct, frozen=True, kw_only=True):
    """Who answers on the socket, and where it serves."""

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
    since: str = ""
    """When it became so."""
    switched_ms: float | None = None
    requests: int = 0
    requests_per_s: float = 0.0
    first_token_ms_p50: float | None = None
    first_token_ms_p95: float | None = None
    acceptance: float | None = None
    """The share of what editors showed today that was taken, 0..1."""
    device: str = "cpu"
    """Where it computes: cpu, GPU0, or several."""
    placement: Placement = Placement()
    """What was wished for."""
    dtype: str = ""
    memory_bytes: int | None = None
    context: int = 0
    caps_version: int = 0


class Job(Struct, frozen=True, kw_only=True):
    """One piece of work: what it is doing, and how far it is."""

    id: int
    kind: JobKind
    name: str
    """What it works on: the source's name, `scan`, the run's name, or the model's."""
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
    project: str = "default"


class Status(Struct, frozen=True, kw_only=True):
    """The engine at a glance."""

    engine: EngineInfo
    serving: list[Serving]
    jobs: list[Job]
    """Jobs that are queued or running, then the last few that ended."""


class Finding(Struct, frozen=True, kw_only=True):
    """One line of `doctor`."""

    check: str
    ok: bool | None
    finding: str
    remedy: str = ""


class Project(Struct, frozen=True, kw_only=True):
    """One data set: its sources, its scan and its runs."""

    name: str
    shown: bool
    """Whether it is the one that every screen shows and verbs are about."""
    sources: int = 0
    files: int = 0
    runs: int = 0
    created: str = ""


class NewProject(Struct, frozen=True, kw_only=True):
    """Begin another data set."""

    name: str


class About(Struct, frozen=True, kw_only=True):
    """What an engine is made of, where its things lie, and what they take on disk."""

    version: str
    licence: str
    """Of the program."""
    made_of: dict[str, str]
    """What came with it and has a licence of its own, in a sentence each."""
    python: str
    libraries: dict[str, str]
    """Versions by name; empty for one that is not installed."""
    system: str
    home: str
    home_bytes: int
    free_bytes: int
    """Of the file system below it."""
    trash_bytes: int
    database: str
    log: str
    socket: str
    endpoint: str


class LogLine(Struct, frozen=True, kw_only=True):
    """One line of the engine's log."""

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
    projects: list[Project] = msgspec.field(default_factory=list)
    credentials: list[Credential] = msgspec.field(default_factory=list)
    pinned: list[PinnedHost] = msgspec.field(default_factory=list)
    keys: list[ApiKey] = msgspec.field(default_factory=list)
    settings: list[ServeSetting] = msgspec.field(default_factory=list)
    fresh: bool = False
    """No tuned checkpoint has ever answered: the screen names each next step until one has."""


class Event(Struct, frozen=True, kw_only=True):
    """One change. `kind` names the type of `data`.

    job: Job · source: Source · source_removed: {"name"} · scan: Scan · run: Run · metric: MetricEvent ·
    checkpoints: {"checkpoints": [Checkpoint]} (the whole list) · models: {"models": [Model]} (the whole list) ·
    credentials: Credentials (all of them) · serving: Serving · keys: {"keys": [ApiKey]} (the whole list) ·
    settings: {"settings": [ServeSetting]} (all of them) ·
    requests: {"changes": a number that grows, "fresh": as in State} (`GET /requests` has them) ·
    trash: {} (`GET /trash` has it) · log: LogLine · engine: {"state": "stopping"} · reset: {}
    """

    id: int
    kind: str
    data: Any
