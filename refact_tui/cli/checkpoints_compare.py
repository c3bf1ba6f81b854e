"""`checkpoints compare A [B]`: both complete held-out code, and each answer is held against what was written there."""

from dataclasses import dataclass
from typing import Any

import click

from backend import wire
from refact_tui import words_of_places as say
from refact_tui.cli.checkpoints import POINTS, checkpoints
from refact_tui.cli.engine_link import LONG_S, connect, path_of
from refact_tui.cli.output import Failure, Progress, emit
from refact_tui.cli.train import RUNS
from refact_tui.cli.verbs import verb
from refact_tui.client import Client
from refact_tui.signs import clean
from refact_tui.words_of_checkpoints import BASE


@dataclass(frozen=True)
class Answered:
    """One place, and what both made of it."""

    place: wire.HeldOutPlace
    left: wire.Completion
    right: wire.Completion

    @property
    def sides(self) -> dict[str, wire.Completion]:
        """By their names on the wire."""
        return {"left": self.left, "right": self.right}


@verb(checkpoints, "compare")
@click.argument("left", metavar="RUN:STEP")
@click.argument("right", metavar="[RUN:STEP]", required=False)
@click.option("--places", "count", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
def compare(left: str, right: str | None, count: int, as_json: bool) -> None:
    """Complete held-out code with two checkpoints, or with the base model and one.

    The places are in files that neither has learnt from."""
    names = (left, right) if right else (BASE, left)
    with connect() as client:
        points = [client.get(path_of(POINTS, name), wire.Checkpoint) for name in names if name != BASE]
        if not points:
            raise Failure("The base model is the same as itself.", "Name a checkpoint: refact-tui checkpoints list")
        run = points[-1].run
        places = client.get(
            f"{path_of(RUNS, run)}/places",
            list[wire.HeldOutPlace],
            count=count,
            beside=[point.run for point in points if point.run != run],
        )
        answered = _ask(client, [f"{points[-1].model}:{name}" for name in names], places)
    told: dict[str, Any] = {"left": names[0], "right": names[1], "places": len(answered)}
    for name, measure in (("exact_match", "exact"), ("edit_similarity", "similarity")):
        told[name] = {
            side: _mean([getattr(one.sides[side], measure) for one in answered]) for side in ("left", "right")
        }
    told["details"] = [_plain(one) for one in answered]
    text = [*(_text(one, names) for one in answered), say.tally([one.sides for one in answered])]
    emit(told, as_json, "\n".join(text))


def _ask(client: Client, models: list[str], places: list[wire.HeldOutPlace]) -> list[Answered]:
    progress, answered = Progress(), []
    try:
        for number, place in enumerate(places):
            progress.show("compare", number, len(places))
            left, right = (
                client.post("/complete", say.asking(say.request_of(place), model), wire.Completion, timeout_s=LONG_S)
                for model in models
            )
            answered.append(Answered(place, left, right))
    finally:
        progress.end()
    return answered


def _mean(values: list[Any]) -> float:
    return float(round(sum(values) / len(values), 4))


def _plain(one: Answered) -> dict[str, Any]:
    """As JSON holds it."""
    answers = {
        side: {"text": found.text, "exact": found.exact, "similarity": found.similarity}
        for side, found in one.sides.items()
    }
    return {"path": one.place.path, "line": one.place.line, "wanted": one.place.wanted, **answers}


def _text(one: Answered, names: tuple[str, str]) -> str:
    """As people read it: the line up to the cursor, what was written there, and both answers."""
    place = one.place
    wide = max(len("written"), *map(len, names))
    lines = [f"{clean(place.path)}:{place.line}  {clean(place.prefix.rpartition(chr(10))[2].strip())}▏"]
    shown = [("written", "", place.wanted)]
    for name, found in zip(names, one.sides.values(), strict=True):
        shown.append((name, say.verdict(found), found.text))
    for name, verdict, text in shown:
        first, *rest = clean(text.rstrip(), lines=True).split("\n")
        lines.append(f"  {clean(name):>{wide}}  {verdict:<6}  {first}".rstrip())
        lines += [f"{'':{wide + 12}}{line}" for line in rest]
    return "\n".join(lines)
