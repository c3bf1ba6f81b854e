"""Words and bars for where a model may be hosted and what it takes there."""

from collections.abc import Sequence

from backend import wire
from refact_tui import words
from refact_tui.signs import clean

BAR = 30
FEW = 3
"""Devices up to which each has a second line, about what it is and who lies on it."""
USED, WANTED, FREE = "█", "▒", "·"
NOTHING = "There is no model to host: refact-tui models add brings one."


def device_lines(devices: Sequence[wire.Device], shares: dict[str, int]) -> list[str]:
    """A bar of each device's memory: what is used, what the model would take, what would be left."""
    lines = []
    for one in devices:
        used, wanted = one.memory_bytes - one.free_bytes, shares.get(one.name, 0)
        full, more = _cells(used, one.memory_bytes), _cells(wanted, one.memory_bytes)
        more = min(max(more, 1), BAR - min(full, BAR - 1)) if wanted else 0
        full = min(full, BAR - more)
        bar = USED * full + WANTED * more + FREE * (BAR - full - more)
        name = one.name if one.name == "cpu" else f"GPU{one.name}"
        text = f"{name:<5} {bar}  {words.size(used)} of {words.size(one.memory_bytes)}"
        lines.append(text + (f" + {words.size(wanted)}" if wanted else ""))
        who = ", ".join(clean(model) for model in one.models)
        about = " · ".join([clean(one.title), *([who] if who else []), *([] if one.shared else ["not shared"])])
        if len(devices) <= FEW:
            lines.append(f"      {about}")
    return lines


def plan_lines(plan: wire.PlacementPlan) -> list[str]:
    """What a wish comes to."""
    packed = "" if plan.quantisation == "none" else f", {plan.quantisation} weights"
    return [
        f"{clean(plan.device)} · {plan.dtype}{packed} · context {words.count(plan.context)} · weights "
        f"{words.size(plan.weights_bytes)} + {words.size(plan.request_bytes)} a long request",
        "",
        *device_lines(plan.devices, plan.shares),
    ]


def unhost_words(host: wire.Serving) -> str:
    """The question before a model is hosted no longer."""
    return (
        f"Host {clean(host.model)} no longer?\n"
        "Requests under way end with an error, and whoever asks for it is told that it is not hosted. "
        "Its checkpoints stay."
    )


def _cells(part: int, whole: int) -> int:
    return round(BAR * min(max(part / whole, 0), 1)) if whole else 0
