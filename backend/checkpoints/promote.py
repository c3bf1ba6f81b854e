"""Whether a run that was to be served only if better is better: measured, not hoped."""

import json

from backend import wire
from backend.context import Context
from backend.store.database import now
from backend.train.job import Folder


def better(found: wire.Evaluation | None) -> tuple[bool, str]:
    """Lower test loss and more exact matches than what is served (or the base model), and why not, in words.

    Where as many places match exactly, edit similarity decides. All on the same held-out code."""
    if found is None:
        return False, "it was not evaluated"
    rival = found.rival
    against = rival.checkpoint if rival else "the base model"
    loss, exact, alike = (
        (rival.test_loss, rival.exact_match, rival.edit_similarity)
        if rival
        else (found.test_loss, found.exact_match, found.edit_similarity)
    )
    if loss is None or loss.base is None or loss.tuned is None or exact.base is None or exact.tuned is None:
        return False, "there was nothing to compare it by"
    told = (
        f"against {against} its test loss is {loss.tuned:.3f} to {loss.base:.3f}, "
        f"exact matches {exact.tuned:.1%} to {exact.base:.1%}"
    )
    answers = (exact.tuned, alike.tuned or 0.0) > (exact.base, alike.base or 0.0)
    return loss.tuned < loss.base and answers, told


async def decide(ctx: Context, run: wire.Run) -> bool:
    """Let a run that was held back become the latest best where it is better; tells why in its log."""
    won, why = better(run.evaluation)
    if won:
        await ctx.db.execute("UPDATE runs SET held_back = 0 WHERE name = ?", (run.run,))
    said = "it is served from now on where the latest best is" if won else "it is not served"
    line = {"v": 1, "at": now(), "kind": "log", "level": "info", "text": f"{said}: {why}"}
    with Folder(ctx.paths.runs / run.run).notes.open("a") as notes:
        notes.write(json.dumps(line) + "\n")
    return won
