"""Measures a model on held-out files: the test loss, and the completions a developer would have seen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from backend.models.tokenizer import TextTokenizer
from backend.train import forward
from backend.train.answers import Judged, groups, judge
from backend.train.batches import batch
from backend.train.intervals import Sums, pair
from backend.train.packing import Row
from backend.train.places import LONGEST, Place
from backend.train.room import give_back

TOGETHER = 8
"""Rows in one forward pass."""
RIVAL = "rival"
Check = Callable[[], None]
"""Raises where the trainer was asked to stop."""


@dataclass(frozen=True)
class Tests:
    """What a run is measured by in the end, the same for base and tuned model."""

    places: Sequence[Place]
    files: Sequence[tuple[int, list[Row]]]
    """Rows of held-out text by file."""
    elsewhere: Sequence[tuple[int, list[Row]]]
    """Rows of code that is not the user's, by file."""


def nats_and_tokens(
    model: Any, rows: Sequence[Row], pad: int, device: torch.device, check: Check, together: int = TOGETHER
) -> tuple[float, float]:
    """Sum of nats over rows of plain text and the tokens they are of, so many rows at a time."""
    model.eval()
    nats, tokens = 0.0, 0.0
    for start in range(0, len(rows), together):
        check()
        one = batch(rows[start : start + together], pad).to(device)
        with torch.no_grad():
            nats += float(forward.nats(model, one))
        tokens += float(one.weights.sum())
    return nats, tokens


def compare(
    model: Any,
    tests: Tests,
    tokenizer: TextTokenizer,
    pad: int,
    device: torch.device,
    check: Check,
    rival: str = "",
    together: int = TOGETHER,
) -> dict[str, Any]:
    """Base and tuned model on the same places, held-out files and code from elsewhere, with intervals by file.

    The adapter in the folder `rival`, if there is one, is measured too; the tuned model is held against it as well."""
    model.eval()

    def loss_of(rows: Sequence[Row]) -> tuple[float, float]:
        # Files differ in length, and the allocator keeps the holes of each.
        give_back()
        return nats_and_tokens(model, rows, pad, device, check, together)

    def measured() -> dict[str, Any]:
        with torch.no_grad():
            files = {
                name: {number: loss_of(rows) for number, rows in getattr(tests, name)}
                for name in ("files", "elsewhere")
            }
            return {"places": _answers(model, tests.places, tokenizer, pad, device, check, together), **files}

    with model.disable_adapter():
        base = measured()
    tuned = measured()
    found = {"places": len(tests.places), **_told(tests, base, tuned)}
    if rival:
        model.load_adapter(rival, RIVAL)
        model.set_adapter(RIVAL)
        try:
            against = _told(tests, measured(), tuned)
        finally:
            model.set_adapter("default")
            model.delete_adapter(RIVAL)
        found["rival"] = {name: against[name] for name in ("test_loss", "exact_match", "edit_similarity")}
    return found


def passes(tests: Tests, rival: bool, together: int = TOGETHER) -> int:
    """How often `compare` calls `check`."""
    rows = sum(-(-len(rows) // together) for files in (tests.files, tests.elsewhere) for _, rows in files)
    return (rows + sum(1 for _ in groups(tests.places, together))) * (3 if rival else 2)


def _told(tests: Tests, base: dict[str, Any], tuned: dict[str, Any]) -> dict[str, Any]:
    """The measurements as pairs with their intervals."""
    by_kind = {}
    for kind in LONGEST:
        chosen = [number for number, place in enumerate(tests.places) if place.kind == kind]
        if chosen:
            by_kind[kind] = {"places": len(chosen), **_place_pairs(tests.places, chosen, base, tuned)}
    every = range(len(tests.places))
    return {
        **_place_pairs(tests.places, every, base, tuned),
        "middle_loss": pair(
            _summed(
                (
                    tests.places[number].file,
                    base["places"][number].nats,
                    tuned["places"][number].nats,
                    len(place.middle),
                )
                for number, place in enumerate(tests.places)
            )
        ),
        "test_loss": _loss_pair(base["files"], tuned["files"]),
        "elsewhere": _loss_pair(base["elsewhere"], tuned["elsewhere"]),
        "by_kind": by_kind,
    }


def _place_pairs(
    places: Sequence[Place], chosen: Iterable[int], base: dict[str, Any], tuned: dict[str, Any]
) -> dict[str, Any]:
    """Exact match and edit similarity over the chosen places."""
    numbers = list(chosen)
    return {
        told: pair(
            _summed(
                (places[n].file, getattr(base["places"][n], name), getattr(tuned["places"][n], name), 1)
                for n in numbers
            )
        )
        for told, name in (("exact_match", "exact"), ("edit_similarity", "similarity"))
    }


def _loss_pair(base: dict[int, tuple[float, float]], tuned: dict[int, tuple[float, float]]) -> dict[str, float | None]:
    return pair(_summed((file, nats, tuned[file][0], tokens) for file, (nats, tokens) in base.items()))


def _summed(found: Iterable[tuple[int, float, float, float]]) -> list[Sums]:
    """(file, base, tuned, count) added up by file."""
    sums: dict[int, list[float]] = {}
    for file, base, tuned, count in found:
        one = sums.setdefault(file, [0.0, 0.0, 0.0])
        one[0], one[1], one[2] = one[0] + base, one[1] + tuned, one[2] + count
    return [Sums(*one) for one in sums.values()]


def _answers(
    model: Any,
    places: Sequence[Place],
    tokenizer: TextTokenizer,
    pad: int,
    device: torch.device,
    check: Check,
    together: int,
) -> list[Judged]:
    """Every place judged, in the order of `places`."""
    numbers = {id(place): number for number, place in enumerate(places)}
    judged: dict[int, Judged] = {}
    for group in groups(places, together):
        check()
        for place, one in zip(group, judge(model, group, tokenizer, pad, device), strict=True):
            judged[numbers[id(place)]] = one
    return [judged[number] for number in range(len(places))]
