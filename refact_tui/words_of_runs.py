"""Runs and plans as the words and cells a person reads; pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend import wire
from refact_tui import words
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.widgets.listing import Cell, Column, Row, Tone

ALIVE = ("queued", "preparing", "running", "paused")

RUN_COLUMNS = (
    Column("RUN", 8),
    Column("MODEL", rank=4),
    Column("STATE", 9),
    Column("STEP", right=True, rank=3),
    Column("TEST LOSS", right=True),
    Column("GAIN", right=True, rank=1),
    Column("WHEN", rank=2),
)
_STATES: dict[str, tuple[str, Tone]] = {
    "queued": ("… queued", "muted"),
    "preparing": ("◌ preparing", "busy"),
    "running": ("▶ running", "busy"),
    "paused": ("‖ paused", "muted"),
    "done": ("✓ done", "good"),
    "stopped": ("■ stopped", "muted"),
    "failed": ("✗ failed", "bad"),
    "loading": ("◌ loading", "busy"),
    "warming": ("◌ warming", "busy"),
    "downloading": ("◌ downloading", "busy"),
    "ready": ("● ready", "good"),
}


def state(name: str) -> Cell:
    """A state as sign, word and tone: never colour alone."""
    return _STATES.get(name, (clean(name), "plain"))


def run_rows(runs: Sequence[wire.Run]) -> list[Row]:
    """The newest run first."""
    return [_run_row(run) for run in sorted(runs, key=lambda run: run.created, reverse=True)]


def _run_row(run: wire.Run) -> Row:
    loss = run.test_loss
    newest = loss.best is not None and loss.best == loss.last
    when = words.ago(run.ended) if run.ended else f"started {words.ago(run.started)}" if run.started else "–"
    return Row(
        run.run,
        (
            (clean(run.run), "plain"),
            (clean(run.model), "muted"),
            state(run.state),
            (f"{run.step}/{run.steps}", "plain"),
            (words.loss(loss.best) + (" ★" if newest else "  ") if loss.best is not None else "–  ", "plain"),
            (words.change(loss.best, loss.base), "good" if _lower(loss) else "plain"),
            (when, "muted"),
        ),
    )


def _lower(loss: wire.TestLoss) -> bool:
    return loss.best is not None and loss.base is not None and loss.best < loss.base


def run_line(run: wire.Run, width: int, job: wire.Job | None = None) -> str:
    """The one line under the plot, in `width` cells: what matters most comes first, whole parts give way.

    Its job knows how far a measurement is."""
    if run.state in ("failed", "stopped", "paused") and run.reason:
        next_ = "" if "train resume" in run.reason else f" · {press('train.resume')} resumes it"
        return f"{state(run.state)[0]}: {clean(run.reason)}{next_}"
    parts = []
    if run.state in ("queued", "preparing") or run.phase not in ("", "training"):
        parts.append(clean(run.phase) or run.state)
        if job is not None and job.state == "running" and job.unit == wire.BATCHES:
            parts += [part.strip() for part in words.pace(job.done, job.total, job.unit, eta_s=job.eta_s)]
    if run.test_loss.best is not None:
        at = run.best_checkpoint.rpartition(":")[2] if run.best_checkpoint else ""
        parts.append(f"best {words.loss(run.test_loss.best)}" + (f" @ {clean(at)}" if at else ""))
        parts.append(f"last {words.loss(run.test_loss.last)}")
    elif run.test_loss.base is not None:
        parts.append(f"base {words.loss(run.test_loss.base)}")
    if run.state in ALIVE:
        if run.eta_s is not None:
            parts.append(f"ETA {eta_text(run)}")
        if run.tokens_per_s:
            parts.append(f"{words.count(round(run.tokens_per_s))} tok/s")
        if run.utilisation is not None:
            parts.append(f"busy {words.percent(run.utilisation)}")
        if run.learning_rate is not None:
            parts.append(f"lr {run.learning_rate:.1e}")
    elapsed = run.elapsed_s or (words.seconds_since(run.started) if run.state == "preparing" else None)
    if elapsed:
        parts.append(f"elapsed {words.duration(elapsed)}")
    if run.memory_bytes:
        parts.append(words.size(run.memory_bytes))
    if run.attempts:
        parts.append(f"resumed {run.attempts}×")
    while len(parts) > 1 and len(" · ".join(parts)) > width:
        parts.pop()
    return " · ".join(parts)


def eta_text(run: wire.Run) -> str:
    """How long it will still take: `18m`, or `16m to 21m` where that is not the same in words."""
    ends = [words.duration(one) for one in (run.eta_low_s, run.eta_high_s) if one is not None]
    return " to ".join(ends) if len(set(ends)) == 2 else words.duration(run.eta_s)


def origin_lines(run: wire.Run) -> list[str]:
    """What a run began with and what became of it, where that is not the usual: the base model, the latest best."""
    rival = run.evaluation.rival if run.evaluation else None
    lines = [f"goes on from {clean(run.parent)}"] if run.parent else []
    if rival is not None:
        better = "not better, so it is not" if run.held_back else "better: it may be"
        lines.append(f"to be served only if better than {clean(rival.checkpoint)}: {better} the latest best")
    elif run.held_back:
        lines.append("to be served only if better than what is served: it is not the latest best yet")
    return lines


def night_lines(schedule: wire.Schedule) -> list[str]:
    """When runs come by themselves, and what came of the last night."""
    if not schedule.at:
        lines = [
            "Nothing is done by itself. With a time: sync, scan, train on what is new,",
            "serve it only if better.",
        ]
    else:
        lines = [
            f"Every night at {clean(schedule.at)}: sync, scan, train for {schedule.minutes:g} minutes on what is new,"
        ]
        lines.append("serve it only if better.")
    if schedule.next:
        lines.append(f"next  {clean(schedule.next[:16].replace('T', ' '))}")
    if schedule.last:
        lines.append(f"last  {clean(schedule.last)}")
    return lines


def verdict_line(run: wire.Run) -> str:
    """What the held-out completions say about a finished run; empty before they were made."""
    found = run.evaluation
    if found is None:
        return ""
    return (
        f"held-out, {found.places} places: exact match {pair(found.exact_match, words.percent)}"
        f" · edit similarity {pair(found.edit_similarity, share)}{forgets(found)}"
    )


def is_worse(run: wire.Run) -> bool:
    """Whether the held-out completions warn: of what was forgotten, or of answers less like what was written."""
    found = run.evaluation
    if found is None:
        return False
    alike = found.edit_similarity
    return bool(forgets(found)) or (alike.tuned or 0.0) < (alike.base or 0.0)


def forgets(found: wire.Evaluation) -> str:
    """The alarm where code from elsewhere is understood worse than before."""
    change = found.forgotten
    return f" · ! forgets: other code {change:+.0%}" if change is not None and change > wire.FORGETS else ""


def evaluation_lines(found: wire.Evaluation) -> list[str]:
    """All that was measured, base and tuned, with the 95 % interval of their difference."""
    measures = (
        ("test loss", found.test_loss, words.loss, words.loss),
        ("middle loss", found.middle_loss, words.loss, words.loss),
        ("exact match", found.exact_match, words.percent, _points),
        ("edit similarity", found.edit_similarity, share, share),
        ("loss on other code", found.elsewhere, words.loss, words.loss),
    )
    lines = [f"{found.places} held-out places, base → tuned (95 % interval of the difference, by file)"]
    for name, one, show, difference in measures:
        if one is not None and one.base is not None:
            lines.append(f"  {name:<19} {pair(one, show):<20}{_interval(one, difference)}".rstrip())
    if found.rival is not None:
        lines.append(f"beside {clean(found.rival.checkpoint)}, which was served as it began")
        for name, _, show, difference in measures:
            beside = getattr(found.rival, name.replace(" ", "_"), None)
            if beside is not None:
                lines.append(f"  {name:<19} {pair(beside, show):<20}{_interval(beside, difference)}".rstrip())
    for kind, part in found.by_kind.items():
        name = "in one line" if kind == "line" else "a few lines"
        exact, alike = pair(part.exact_match, words.percent), pair(part.edit_similarity, share)
        lines.append(f"  {name:<19} {part.places} places: exact {exact}, similarity {alike}")
    if alarm := forgets(found):
        lines.append(f" {alarm.removeprefix(' ·')}; fewer steps or a lower learning_rate would keep more")
    return lines


def _interval(one: wire.Pair, show: Callable[[float | None], str]) -> str:
    if one.low is None or one.high is None:
        return ""
    low, high = (f"{'-' if value < 0 else '+'}{show(abs(value))}" for value in (one.low, one.high))
    return f"({low} … {high})"


def _points(value: float | None) -> str:
    return f"{100 * (value or 0):.1f} pts"


def log_line(line: wire.LogLine) -> str:
    """`09:41:07 warning text`; the level only where it is not the usual one, or goes on."""
    level = "" if line.level.lower() in ("", "info") or not line.at else f"{clean(line.level.lower())} "
    return f"{clean(line.at[11:19])}  {level}{clean(line.text)}"


def settings_lines(settings: Mapping[str, Any], overridden: Sequence[str] = ()) -> list[str]:
    """`name  value`, one a line, aligned; what was chosen by hand is marked."""
    wide = max((len(name) for name in settings), default=0)
    return [
        f"{name:<{wide}}  {value_text(settings[name])}{'  (yours)' if name in overridden else ''}" for name in settings
    ]


def value_text(value: Any) -> str:
    """A setting's value as it is typed: `true`, `0.0002`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return clean(",".join(map(str, value)))
    return clean(f"{value:g}" if isinstance(value, float) else str(value))


def value_of(text: str) -> Any:
    """What was typed for a setting, as JSON would have it; the engine judges whether it may be."""
    text = text.strip()
    named = {"none": None, "true": True, "false": False}
    if text.lower() in named:
        return named[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


SPEED = {"measuring": " (measuring…)", "guessed": " (a guess)"}
"""After a time that nothing has been measured for."""


def plan_lines(plan: wire.Plan) -> list[str]:
    """What the plan worked out, aligned."""
    fits = plan.sentence or (
        f"{words.size(plan.memory_bytes)} of {words.size(plan.memory_available_bytes)}; "
        f"about {words.duration(plan.duration_s)}"
    )
    return [
        f"model             {clean(plan.model)}",
        f"steps             {plan.steps} × batch {plan.batch_size}  ({plan.epochs:.1f} epochs of "
        f"{words.count(plan.tokens_per_epoch)} tokens)",
        f"files             {words.count(plan.train_files)} train · {words.count(plan.test_files)} test "
        f"({words.count(plan.test_tokens)} test tokens)",
        f"memory and time   {clean(fits)}{SPEED.get(plan.speed, '')}",
    ]


def pair(both: wire.Pair, show: Callable[[float | None], str]) -> str:
    """Base and tuned, as `21 % → 34 %`."""
    return f"{show(both.base)} → {show(both.tuned)}"


def share(value: float | None) -> str:
    """A number between 0 and 1 with two decimals."""
    return "–" if value is None else f"{value:.2f}"
