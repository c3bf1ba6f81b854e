"""A run's journal in words, for the log in the Train room and the shell; pure."""

from collections.abc import Iterable
from typing import Any

from backend import wire


def sentences(lines: Iterable[dict[str, Any]]) -> list[wire.LogLine]:
    """One line for each thing worth reading, oldest first; the plain steps are in the metrics."""
    told = []
    for line in sorted(lines, key=lambda one: str(one.get("at", ""))):
        if text := _sentence(line):
            bad = line["kind"] in ("failed", "paused")
            told.append(
                wire.LogLine(at=line.get("at", ""), level="error" if bad else line.get("level", "info"), text=text)
            )
    return told


def _sentence(line: dict[str, Any]) -> str:
    match line["kind"]:
        case "start":
            return "trainer started"
        case "phase":
            return str(line["phase"])
        case "plan":
            return f"{line['steps']} steps to go in all"
        case "eval" if line["step"] == 0:
            return f"base test loss {line['test_loss']:.4f}"
        case "eval":
            return f"step {line['step']}: test loss {line['test_loss']:.4f}"
        case "checkpoint":
            return f"checkpoint of step {line['step']} saved ({line['size'] / 1e6:.1f} MB)"
        case "evaluation":
            return _evaluated(line)
        case "log":
            return str(line["text"])
        case "stopped":
            return "saved and stopped"
        case "done":
            return str(line.get("reason") or "done")
        case "failed" | "paused":
            return f"{line.get('reason', '')} {line.get('hint', '')}".strip()
    return ""


def _evaluated(line: dict[str, Any]) -> str:
    exact, likeness = line["exact_match"], line["edit_similarity"]
    told = (
        f"{line['places']} held-out places: exact match {exact['base']:.0%} → {exact['tuned']:.0%}, "
        f"edit similarity {likeness['base']:.3f} → {likeness['tuned']:.3f}"
    )
    elsewhere = line.get("elsewhere") or {}
    if elsewhere.get("base") and elsewhere.get("tuned") is not None:
        change = elsewhere["tuned"] / elsewhere["base"] - 1
        told += f"; loss on code from elsewhere {change:+.1%}"
        if change > wire.FORGETS:
            told += ": it forgets; fewer steps or a lower learning_rate would keep more"
    return told
