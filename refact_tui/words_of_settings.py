"""The settings of runs as a form or a list shows them, and what two runs differ in; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from backend import wire
from refact_tui import words
from refact_tui.signs import clean
from refact_tui.widgets.listing import fit
from refact_tui.words_of_runs import value_text

OWN = "●"
"""Before a setting that was chosen by hand."""


def limits(info: wire.SettingInfo) -> str:
    """Its default and what it may be: `16 · 4 … 128`, `planned · 1e-06 … 0.02`, `linear or cosine`."""
    default = "planned" if info.default is None else value_text(info.default)
    if info.choices:
        others = [clean(choice) for choice in info.choices if choice != default]
        return " or ".join([default, *others])
    return f"{default} · {value_text(info.low)} … {value_text(info.high)}"


def described(
    settings: Mapping[str, Any], overridden: Sequence[str], infos: Sequence[wire.SettingInfo], width: int
) -> list[str]:
    """`● name  value  meaning` in `width` cells, one a line."""
    meanings = {info.name: clean(info.meaning) for info in infos}
    wide = max((len(name) for name in settings), default=0)
    values = {name: value_text(value) for name, value in settings.items()}
    value_wide = max(map(cell_len, values.values()), default=0)
    lines = []
    for name, value in values.items():
        own = OWN if name in overridden else " "
        line = f"{own} {clean(name):<{wide}}  {fit(value, value_wide)}  {meanings.get(name, '')}".rstrip()
        lines.append(fit(line, width).rstrip())
    return lines


def differences(one: wire.Run, other: wire.Run) -> list[str]:
    """The settings in which two runs differ, as `lora_r 16 | 32`; planned numbers of steps aside."""
    names = [name for name in one.settings if name in other.settings]
    found = [
        f"{clean(name)} {value_text(one.settings[name])} | {value_text(other.settings[name])}"
        for name in names
        if one.settings[name] != other.settings[name]
    ]
    if one.model != other.model:
        found.insert(0, f"model {clean(one.model)} | {clean(other.model)}")
    return found


def compared(one: wire.Run, other: wire.Run) -> list[str]:
    """Two runs beside each other: what they came to, and in what they differ."""
    found = differences(one, other)
    return [
        f"{_best(one)} · {_best(other)}",
        f"differ in {', '.join(found)}" if found else "the same settings",
    ]


def _best(run: wire.Run) -> str:
    at = run.best_checkpoint.rpartition(":")[2] if run.best_checkpoint else ""
    found = f"{clean(run.run)} {words.loss(run.test_loss.best)}" + (f" @ {clean(at)}" if at else "")
    return f"{found} ({words.change(run.test_loss.best, run.test_loss.base)})"


def not_comparable(one: wire.Run, other: wire.Run) -> str:
    """Why the losses of two runs cannot be held against each other; empty where they can.

    The same base model has the same loss on the same text: where it has not, they were tested on other text."""
    if one.model != other.model:
        return "! other models: their losses do not compare"
    bases = one.test_loss.base, other.test_loss.base
    if None not in bases and words.loss(bases[0]) != words.loss(bases[1]):
        return f"! other held-out text: base {words.loss(bases[0])} | {words.loss(bases[1])}"
    return ""


def about_setting(one: wire.ServeSetting) -> str:
    """What a setting of the engine means and, below it, its default, what it may be and when it takes effect."""
    parts = [f"default {clean(one.default)}" if one.default else "not set by default", clean(one.limits)]
    if one.overruled:
        parts.append(f"{clean(one.overruled)} goes before it")
    parts.append("at once" if one.at_once else "after a restart")
    return f"{clean(one.meaning)}\n{' · '.join(filter(None, parts))}"


def set_words(one: wire.ServeSetting) -> str:
    """What a setting is now, and what it takes to be in effect."""
    told = f"{clean(one.name)} is {clean(one.value) or 'not set'}."
    return told if one.at_once else f"{told} It takes effect with: refact-tui engine restart"
