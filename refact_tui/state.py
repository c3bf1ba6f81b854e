"""What the engine is known to be doing: one frozen value, and the pure fold of an event into it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import msgspec

from backend import wire

Link = Literal["starting", "up", "retrying", "lost"]
T = TypeVar("T")

ENDED_JOBS = 20
METRICS_PER_RUN = 20_000
ALIVE_JOBS = ("queued", "running")
COMING = ("downloading", "loading", "warming")
"""States of a hosted model that does not answer yet."""


@dataclass(frozen=True)
class EngineState:
    """Everything the rooms draw. Stays as it was while the link is down."""

    engine: wire.EngineInfo | None = None
    engine_seen: float = 0.0
    """`time.monotonic()` when `engine` was told, to count its uptime on."""
    stopping: bool = False
    """The engine has said that it is going down, so it was asked to."""
    serving: tuple[wire.Serving, ...] = ()
    jobs: tuple[wire.Job, ...] = ()
    sources: tuple[wire.Source, ...] = ()
    scan: wire.Scan | None = None
    runs: tuple[wire.Run, ...] = ()
    checkpoints: tuple[wire.Checkpoint, ...] = ()
    models: tuple[wire.Model, ...] = ()
    projects: tuple[wire.Project, ...] = ()
    credentials: tuple[wire.Credential, ...] = ()
    pinned: tuple[wire.PinnedHost, ...] = ()
    keys: tuple[wire.ApiKey, ...] = ()
    settings: tuple[wire.ServeSetting, ...] = ()
    requests_changed: int = 0
    """Grows with every completion request, and with what becomes of its answer."""
    fresh: bool = False
    """No tuned checkpoint has ever answered, so each next step towards that is named."""
    trash_changed: int = 0
    """Grows whenever something is thrown away, brought back or emptied."""
    logged: int = 0
    """Grows with every line of the engine's log that was told since this program attached."""
    metrics: dict[str, tuple[wire.Metric, ...]] = field(default_factory=dict)
    """Points told since this program attached; older ones are asked for by run."""
    link: Link = "starting"
    trouble: str = ""
    """Why the link is not up, in words."""
    paused: bool = False
    """It is as it was when the screen was told to stand still, but for the link."""
    down_since: float = 0.0
    """`time.monotonic()` when the link broke; 0 while it is up."""

    def job(self, job_id: int | None) -> wire.Job | None:
        """The job of this id, while the engine still speaks of it."""
        return next((job for job in self.jobs if job.id == job_id), None) if job_id is not None else None

    @property
    def project(self) -> str:
        """The project that is shown; empty where there is only one, which nobody needs to think about."""
        return next((one.name for one in self.projects if one.shown), "") if len(self.projects) > 1 else ""

    @property
    def alive(self) -> tuple[wire.Job, ...]:
        """Jobs that wait or run."""
        return tuple(job for job in self.jobs if job.state in ALIVE_JOBS)

    @property
    def waits(self) -> bool:
        """Whether something is at work of which it is told how long it takes, also while nothing else is told of it."""
        return any(job.state == "running" for job in self.jobs) or any(host.state in COMING for host in self.serving)


def from_wire(told: wire.State, seen: float) -> EngineState:
    """The state as the engine told it whole at monotonic time `seen`."""
    return EngineState(
        engine=told.engine,
        engine_seen=seen,
        serving=tuple(told.serving),
        jobs=_bounded(tuple(told.jobs)),
        sources=tuple(told.sources),
        scan=told.scan,
        runs=tuple(told.runs),
        checkpoints=tuple(told.checkpoints),
        models=tuple(told.models),
        projects=tuple(told.projects),
        credentials=tuple(told.credentials),
        pinned=tuple(told.pinned),
        keys=tuple(told.keys),
        settings=tuple(told.settings),
        fresh=told.fresh,
        trash_changed=told.last_event_id,
        link="up",
    )


def held(shown: EngineState, now: EngineState) -> EngineState:
    """What is shown while the screen stands still and this is how things are: only whether the engine answers moves."""
    if shown.engine is None:
        return replace(now, paused=True)
    link = (now.link, now.trouble, now.stopping)
    if shown.paused and link == (shown.link, shown.trouble, shown.stopping):
        return shown
    return replace(
        shown, link=now.link, trouble=now.trouble, stopping=now.stopping, down_since=now.down_since, paused=True
    )


def fold(state: EngineState, event: wire.Event) -> EngineState:
    """The state after this event; kinds and data it does not understand change nothing."""
    step = _STEPS.get(event.kind)
    if step is None:
        return state
    try:
        return step(state, event.data)
    except (msgspec.ValidationError, KeyError, TypeError):
        return state


def _read(data: Any, kind: type[T]) -> T:
    return data if isinstance(data, kind) else msgspec.convert(data, kind)


def _put(items: tuple[T, ...], item: T, key: Callable[[T], Any]) -> tuple[T, ...]:
    """The item in the place of the one with its key, or at the end."""
    if any(key(one) == key(item) for one in items):
        return tuple(item if key(one) == key(item) else one for one in items)
    return (*items, item)


def _bounded(jobs: tuple[wire.Job, ...]) -> tuple[wire.Job, ...]:
    ended = [job.id for job in jobs if job.state not in ALIVE_JOBS]
    drop = set(ended[: max(0, len(ended) - ENDED_JOBS)])
    return tuple(job for job in jobs if job.id not in drop) if drop else jobs


def _job(state: EngineState, data: Any) -> EngineState:
    return replace(state, jobs=_bounded(_put(state.jobs, _read(data, wire.Job), lambda job: job.id)))


def _source(state: EngineState, data: Any) -> EngineState:
    return replace(state, sources=_put(state.sources, _read(data, wire.Source), lambda source: source.id))


def _source_removed(state: EngineState, data: Any) -> EngineState:
    name = data["name"]
    return replace(state, sources=tuple(source for source in state.sources if source.name != name))


def _scan(state: EngineState, data: Any) -> EngineState:
    return replace(state, scan=_read(data, wire.Scan))


def _run(state: EngineState, data: Any) -> EngineState:
    return replace(state, runs=_put(state.runs, _read(data, wire.Run), lambda run: run.run))


def _metric(state: EngineState, data: Any) -> EngineState:
    event = _read(data, wire.MetricEvent)
    points = (*state.metrics.get(event.run, ()), event.metric)[-METRICS_PER_RUN:]
    return replace(state, metrics={**state.metrics, event.run: points})


def _checkpoints(state: EngineState, data: Any) -> EngineState:
    return replace(state, checkpoints=tuple(msgspec.convert(data["checkpoints"], list[wire.Checkpoint])))


def _models(state: EngineState, data: Any) -> EngineState:
    return replace(state, models=tuple(msgspec.convert(data["models"], list[wire.Model])))


def _serving(state: EngineState, data: Any) -> EngineState:
    serving = _read(data, wire.Serving)
    points = tuple(
        msgspec.structs.replace(point, served=point.id == serving.checkpoint) if point.model == serving.model else point
        for point in state.checkpoints
    )
    return replace(state, serving=_put(state.serving, serving, lambda host: host.model), checkpoints=points)


def _credentials(state: EngineState, data: Any) -> EngineState:
    told = _read(data, wire.Credentials)
    return replace(state, credentials=tuple(told.credentials), pinned=tuple(told.pinned))


def _keys(state: EngineState, data: Any) -> EngineState:
    return replace(state, keys=tuple(msgspec.convert(data["keys"], list[wire.ApiKey])))


def _settings(state: EngineState, data: Any) -> EngineState:
    return replace(state, settings=tuple(msgspec.convert(data["settings"], list[wire.ServeSetting])))


def _requests(state: EngineState, data: Any) -> EngineState:
    return replace(state, requests_changed=int(data["changes"]), fresh=state.fresh and data.get("fresh") is not False)


def _trash(state: EngineState, _data: Any) -> EngineState:
    return replace(state, trash_changed=state.trash_changed + 1)


def _log(state: EngineState, data: Any) -> EngineState:
    _read(data, wire.LogLine)
    return replace(state, logged=state.logged + 1)


def _engine(state: EngineState, data: Any) -> EngineState:
    return replace(state, stopping=data["state"] == "stopping")


_STEPS: dict[str, Callable[[EngineState, Any], EngineState]] = {
    "job": _job,
    "source": _source,
    "source_removed": _source_removed,
    "scan": _scan,
    "run": _run,
    "metric": _metric,
    "checkpoints": _checkpoints,
    "models": _models,
    "serving": _serving,
    "credentials": _credentials,
    "keys": _keys,
    "settings": _settings,
    "requests": _requests,
    "trash": _trash,
    "log": _log,
    "engine": _engine,
}
