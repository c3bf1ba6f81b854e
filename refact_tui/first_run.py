"""What leads on to the first tuned completion, in one line with its keys, until one has been seen; pure."""

from collections.abc import Callable
from dataclasses import dataclass

from backend import wire
from refact_tui.state import EngineState

Face = Callable[[str], str]
"""How the key of an action is printed on a keyboard."""
AT_WORK = ("queued", "running")
TRAINS = ("queued", "preparing", "running", "paused")
COMES_UP = ("downloading", "loading", "warming")


@dataclass(frozen=True)
class Step:
    """Something to do in a room, or with `waits` something that is on its way there."""

    room: str
    what: str
    keys: tuple[str, ...] = ()
    """Actions by their names in the table of keys; a word that is none is a key itself."""
    waits: bool = False


def greets(state: EngineState) -> bool:
    """Whether nothing has ever been done on this engine, so that it says what could be."""
    nothing = not (state.sources or state.runs or state.checkpoints) and state.scan is None
    return state.fresh and nothing and len(state.projects) < 2


def next_step(state: EngineState, noun: str, face: Face) -> str:
    """The step as it is named in this room; empty once a tuned completion was seen, and where the room greets."""
    if not state.fresh or (noun == "sources" and greets(state)):
        return ""
    step = step_of(state)
    room = face(f"frame.{step.room}")
    if step.waits:
        return f"Now: {step.what}" + ("" if step.room == noun else f"; {room} shows it")
    pressed = ", ".join(face(key) if "." in key else key for key in step.keys)
    return f"Next: {pressed if step.room == noun else f'{room} then {pressed}'} to {step.what}"


def step_of(state: EngineState) -> Step:
    """The farthest step that what there is allows."""
    served = next((host for host in state.serving if host.checkpoint), None)
    if any(run.state in TRAINS for run in state.runs):
        return Step("train", "it trains, also when you leave", waits=True)
    if served is not None:
        return _try(served)
    if state.checkpoints:
        return Step("checkpoints", "serve what it has learnt", ("checkpoints.use",))
    if state.runs:
        return _again(max(state.runs, key=lambda run: run.created))
    if state.scan is not None:
        return _scanned(state.scan)
    return _read(state.sources)


def _try(host: wire.Serving) -> Step:
    if host.state == "failed":
        return Step("serve", "load the model, which has failed, again", ("serve.retry",))
    if host.state in COMES_UP:
        return Step("serve", "the model comes up", waits=True)
    return Step("serve", "try it", ("serve.try", "ctrl+space"))


def _again(run: wire.Run) -> Step:
    """After a run that has left nothing to serve."""
    if run.state == "done":
        return Step("train", "train", ("train.new",))
    why = ", which has failed" if run.state == "failed" else ""
    return Step("train", f"go on with the run{why}", ("train.resume",))


def _scanned(scan: wire.Scan) -> Step:
    if scan.state in AT_WORK:
        return Step("scan", "it scans", waits=True)
    if scan.state != "done":
        return Step("scan", "scan again", ("scan.new",))
    if not scan.accepted:
        return Step("scan", "see why no file was accepted", ("scan.next_tab",))
    return Step("train", "train", ("train.new",))


def _read(sources: tuple[wire.Source, ...]) -> Step:
    states = {source.state for source in sources}
    if "ready" in states:
        return Step("scan", "scan: every rejected file gets its reason", ("scan.new",))
    if states & {"queued", "reading"}:
        return Step("sources", "your code is being read", waits=True)
    if states:
        return Step("sources", "read it again; why that failed stands beside it", ("sources.retry",))
    return Step("sources", "add your code", ("sources.new",))
