"""Training and checkpoints on the wire."""

from typing import Any, Literal

import msgspec

from backend.wire.base import RunState, Struct

Beside = Literal["", "pause", "wait"]
"""Empty: refuse the run; pause: do not serve what is in its way meanwhile; wait: begin when there is room."""


class StartRun(Struct, frozen=True, kw_only=True):
    """What to train; everything None or left out is planned."""

    name: str | None = None
    model: str | None = None
    steps: int | None = None
    """Exact: no early stop, no rounding."""
    minutes: float | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    """Overrides by the names of `backend.train.settings`: batch_size, lora_r, learning_rate, seed …"""
    continue_from: str | None = None
    """A checkpoint RUN:STEP whose adapters are trained further."""
    new_only: bool = False
    """Of the files only those that it has not seen, and as many that it has."""
    only_if_better: bool = False
    """It becomes the latest best only where it beats what is served, on the same held-out code."""
    beside: Beside = ""
    """Where it does not fit beside what is served."""


SettingKind = Literal["whole", "number", "switch", "choice"]


class SettingInfo(Struct, frozen=True, kw_only=True):
    """One setting of a run, as a form shows it."""

    name: str
    kind: SettingKind
    default: Any
    """None: the plan works it out."""
    low: float | None
    """None for a choice."""
    high: float | None
    choices: list[str]
    meaning: str


PlanSpeed = Literal["measured", "measuring", "guessed"]


class Plan(Struct, frozen=True, kw_only=True):
    """What a run would be and take, before it begins."""

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
    speed: PlanSpeed = "guessed"
    """Where its time comes from; `measuring`: ask again in a second."""
    offer: dict[str, Any] | None = None
    """Where it does not fit: the settings with which it would."""
    in_the_way: list[str] = msgspec.field(default_factory=list)
    """Where it does not fit: hosted models without which it would."""


class TestLoss(Struct, frozen=True, kw_only=True):
    """Of the base model, of the best checkpoint, and of the newest one tested."""

    base: float | None = None
    best: float | None = None
    last: float | None = None


FORGETS = 0.05
"""A loss on code from elsewhere that rises by more than this share of itself is an alarm."""


BATCHES = "batches"
"""The unit of a run's job while the run only measures: passes through the model."""


class Pair(Struct, frozen=True, kw_only=True):
    """Base and tuned model by the same measure."""

    base: float | None
    tuned: float | None
    low: float | None = None
    """95 % interval of tuned - base, by resampling files; None where there are too few."""
    high: float | None = None


class KindResult(Struct, frozen=True, kw_only=True):
    """Held-out places of one kind, completed by base and tuned model."""

    places: int
    exact_match: Pair
    edit_similarity: Pair


class Rival(Struct, frozen=True, kw_only=True):
    """What was served when the run began, by the same measures; `base` of each pair is the rival's."""

    checkpoint: str
    test_loss: Pair
    exact_match: Pair
    edit_similarity: Pair


class Schedule(Struct, frozen=True, kw_only=True):
    """Every night: sync, scan, train on what is new, and serve it only if it is better."""

    at: str = ""
    """`HH:MM` of this box's clock; empty: off."""
    minutes: float = 60.0
    """How long to train."""
    next: str | None = None
    last: str = ""
    """What came of the last night, in words."""


class Evaluation(Struct, frozen=True, kw_only=True):
    """Held-out places completed by the base model and by the best checkpoint."""

    places: int
    exact_match: Pair
    """Share of places, 0..1."""
    edit_similarity: Pair
    """Mean, 0..1."""
    middle_loss: Pair | None = None
    """Mean nats per token of what the developer wrote there."""
    test_loss: Pair | None = None
    """Mean nats per token of held-out files."""
    elsewhere: Pair | None = None
    """The same of code that is not the user's: what was forgotten."""
    by_kind: dict[str, KindResult] = msgspec.field(default_factory=dict)
    """`line` and `lines`."""
    step: int | None = None
    """Which checkpoint of the run was evaluated."""
    rival: Rival | None = None

    @property
    def forgotten(self) -> float | None:
        """By what share the loss on code from elsewhere has risen; more than FORGETS is an alarm."""
        found = self.elsewhere
        return found.tuned / found.base - 1 if found and found.base and found.tuned is not None else None


class Run(Struct, frozen=True, kw_only=True):
    """One training run and how far it is."""

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
    overridden: list[str] = msgspec.field(default_factory=list)
    """Names of the settings that were chosen by hand."""
    train_files: int = 0
    test_files: int = 0
    attempts: int = 0
    """How often the engine has resumed it after its trainer died."""
    job: int | None = None
    parent: str | None = None
    """The checkpoint that it goes on from."""
    held_back: bool = False
    """It is not served as the latest best, since it was to be only if better."""
    eta_low_s: float | None = None
    eta_high_s: float | None = None
    """The forecast at best and at worst, by the spread of the last steps' times."""
    utilisation: float | None = None
    """Share of the device in use, 0..1; of the GPUs where there are any, else of the run's cores."""


class Metric(Struct, frozen=True, kw_only=True):
    """What was measured at one step."""

    step: int
    train_loss: float | None
    test_loss: float | None
    learning_rate: float | None
    tokens_per_s: float | None


class MetricEvent(Struct, frozen=True, kw_only=True):
    """A new point of a run's plot."""

    run: str
    metric: Metric


class Checkpoint(Struct, frozen=True, kw_only=True):
    """One state of a run's adapters that is kept on disk."""

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
    evaluation: Evaluation | None = None
    pinned: bool = False
    """Kept whatever its loss."""


class TaughtFile(Struct, frozen=True, kw_only=True):
    """One content that a run learnt from (set `train`) or was tested on (set `test`)."""

    path: str
    sha256: str
    set: str


class TaughtPage(Struct, frozen=True, kw_only=True):
    """Some of them in the order of the run's own list."""

    rows: list[TaughtFile]
    total: int
    after: int | None = None
    """Offset of the next page; None at the end."""


class HeldOutPlace(Struct, frozen=True, kw_only=True):
    """A place in a held-out file: what stands around the cursor, and what the developer wrote there."""

    path: str
    line: int
    """From 1."""
    prefix: str
    suffix: str
    wanted: str
    max_tokens: int
    """As the evaluation asks for."""
    stop: list[str]
