"""Measures the exported starter on packages that it has never seen, and writes the figures into its folder and card."""

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import torch

from backend.models import catalog
from backend.models.load import load_base
from backend.models.starter import card, corpus
from backend.models.tokenizer import load_tokenizer
from backend.scan.loss import Scorer
from backend.train import answers
from backend.train.evaluate import TOGETHER
from backend.train.places import Place, choose, first_line, similarity

PLACES = 240
FILES = 40
"""Files of each package, at most."""
CHARACTERS = 20_000
"""Of each file, at most."""
KEPT = 0.99
"""The scan's threshold lies where this share of real code stays below it."""


def measure(folder: Path) -> dict[str, Any]:
    """Bits per byte by package, infilling over all, the threshold; also written into starter.json and README."""
    info = catalog.read_folder(catalog.STARTER, folder)
    tokenizer = load_tokenizer(info)
    scorer = Scorer(info, info.context)
    figures: dict[str, Any] = {"bits_per_byte": {}, "loss": {}}
    losses: list[float] = []
    every: list[str] = []
    for package, texts in corpus.held_out().items():
        chosen = [text[:CHARACTERS] for text in Random(7).sample(texts, min(FILES, len(texts)))]
        scored = scorer.score(chosen)
        nats = sum((one.loss or 0.0) * one.tokens for one in scored)
        tokens, size = sum(one.tokens for one in scored), sum(len(text.encode()) for text in chosen)
        figures["bits_per_byte"][package] = round(nats / size / math.log(2), 3)
        figures["loss"][package] = round(nats / tokens, 3)
        losses += [one.loss for one in scored if one.loss is not None and one.tokens >= 32]
        every += chosen
    figures["bits_per_byte"]["all"] = round(sum(figures["bits_per_byte"].values()) / len(figures["bits_per_byte"]), 3)
    threshold = math.ceil(10 * sorted(losses)[min(int(KEPT * len(losses)), len(losses) - 1)]) / 10
    places = choose(every, info, tokenizer, info.context, PLACES, seed=1, multi_line=0)
    told = [(first_line(tokenizer.decode(answer)), place.text) for place, answer in complete(info, places)]
    figures["places"] = len(places)
    exact = [answer == wanted for answer, wanted in told]
    alike = [similarity(answer, wanted) for answer, wanted in told]
    figures["exact_match"] = round(sum(exact) / len(places), 3)
    figures["edit_similarity"] = round(sum(alike) / len(places), 3)
    facts = json.loads((folder / "starter.json").read_text()) | {"loss_threshold": threshold, "figures": figures}
    (folder / "starter.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    (folder / "README.md").write_text(card.card(info, facts))
    return {"loss_threshold": threshold, **figures}


@torch.inference_mode()  # type: ignore[untyped-decorator]
def complete(info: catalog.ModelInfo, places: list[Place]) -> list[tuple[Place, list[int]]]:
    """Greedy answers to each place, up to the end of its line."""
    model, tokenizer = load_base(info), load_tokenizer(info)
    answered: list[tuple[Place, list[int]]] = []
    for group in answers.groups(places, TOGETHER):
        found = answers.complete(model, group, tokenizer, tokenizer.marks.eot, torch.device("cpu"))
        answered += zip(group, found, strict=True)
    return answered
