"""Row 1: the link to the engine, the job at work, what is served, and the box; what matters least gives way."""

import socket
import time

from rich.cells import cell_len
from textual.content import Content

from backend import wire
from refact_tui import words
from refact_tui.signs import clean
from refact_tui.state import COMING, EngineState
from refact_tui.widgets.line import Sparing
from refact_tui.widgets.listing import fit

_VERBS = {"source": "read", "model": "add", "warmup": "measure"}
_JOBS: tuple[wire.JobKind, ...] = ("train", "scan", "source", "model", "export", "night", "warmup")
"""The kinds of jobs, the one people wait for first."""
PAUSED = "‖ paused"
Part = tuple[str, str]
"""Words and their style."""

_LINKS = {
    "starting": ("◌ engine …", "$secondary"),
    "retrying": ("◌ retrying", "$text-warning"),
    "lost": ("✗ engine lost", "$text-error"),
}


class StatusLine(Sparing):
    """Always there, never more than one line."""

    DEFAULT_CSS = "StatusLine { height: 1; background: $panel; color: $foreground; }"

    def __init__(self) -> None:
        super().__init__(id="status")
        self._shown: tuple[list[Part], int] | None = None
        self._state = EngineState()

    def on_mount(self) -> None:
        self.set_interval(5.0, lambda: self.show(self._state))

    def on_resize(self) -> None:
        self.show(self._state)

    def show(self, state: EngineState) -> None:
        """Draw this state, if that changes a letter."""
        self._state = state
        if self.screen not in self.app.screen_stack:
            return
        width = self.size.width
        parts = parts_of(state, time.monotonic())
        if (parts, width) != self._shown:
            self._shown = (parts, width)
            self.update(line_of(parts, f"refact-tui · {clean(socket.gethostname())}", width))


def parts_of(state: EngineState, now: float) -> list[Part]:
    """The fields, most important first; `now` is monotonic."""
    parts: list[Part] = [_engine(state, now)]
    if state.link in ("retrying", "lost"):
        text, style = parts[0]
        parts = [(f"{text}  {PAUSED}" if state.paused else text, style)]
        return [*parts, (clean(state.trouble), "$secondary")] if state.link == "retrying" else parts
    if state.paused:
        parts.append((PAUSED, "bold $text-warning"))
    job = min(state.alive, key=lambda job: (job.state != "running", _JOBS.index(job.kind)), default=None)
    if job is not None:
        parts.append(_job(job, state))
    for host in state.serving[:1]:
        parts.append(_host(host))
    return parts


def _engine(state: EngineState, now: float) -> Part:
    if state.link != "up":
        return _LINKS[state.link]
    if state.stopping:
        return "◌ engine stopping", "$text-warning"
    up = state.engine.uptime_s + max(0.0, now - state.engine_seen) if state.engine else 0.0
    return f"● engine {words.uptime(up)}", "$text-success"


def _job(job: wire.Job, state: EngineState) -> Part:
    name = "" if job.kind == "scan" else f" {clean(job.name)}"
    if state.project and job.project != state.project:
        name += f" ({clean(job.project)})"
    measures = job.unit == wire.BATCHES and job.message
    said = [f"▶ {clean(job.message) if measures else _VERBS.get(job.kind, job.kind)}{name}"]
    if job.state == "queued":
        said.append("queued")
    elif job.total:
        said.append(f"{min(100, job.done * 100 // job.total)}%")
    if job.eta_s is not None:
        said.append(f"ETA {words.duration(job.eta_s)}")
    if len(state.alive) > 1:
        said.append(f"+{len(state.alive) - 1}")
    return " ".join(said), "$text-accent"


def _host(host: wire.Serving) -> Part:
    if host.state in COMING:
        return f"◌ {clean(host.model)} {host.state}", "$secondary"
    if host.state == "paused":
        return f"‖ {clean(host.model)} paused", "$text-muted"
    if host.state != "ready":
        return f"✗ {clean(host.model)} {host.state}", "$text-error"
    return f"▲ {clean(host.checkpoint or host.model)}", "$text-primary"


def line_of(parts: list[Part], box: str, width: int) -> Content:
    """The parts in `width` cells, with the name of the box at the right end if there is room."""
    shown: list[Part] = []
    used = 1
    for text, style in parts:
        wide = cell_len(text) + 3
        if used + wide > width + 2:
            if not shown or len(parts) > 2 or width - used < 12:
                continue
            text = fit(text, width - used)  # why the link is down may be long: its beginning says it
            wide = width - used
        shown.append((text, style))
        used += wide
    pieces: list[Part] = [(" ", "")]
    for text, style in shown:
        pieces += [(text, style), ("   ", "")]
    if used + cell_len(box) + 1 <= width:
        pieces += [(" " * (width - used - cell_len(box) - 1), ""), (box, "$secondary")]
    return Content.assemble(*pieces)
