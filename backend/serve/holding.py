"""A model in memory as it was placed: the layers here, those in other processes, and what is left for caches."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil
import torch

from backend.devices import gpus, main_memory_available
from backend.models.catalog import ModelInfo
from backend.serve.adapters import Adapters
from backend.serve.caches import afforded, cache_bytes
from backend.serve.decode import Llama, Piece
from backend.serve.graphs import Graphs
from backend.serve.kind import Kind, kind_of, limit, taken
from backend.serve.llama import Shape, read_shape
from backend.serve.placement import CPU, Placed, weights_bytes
from backend.serve.sharding import Place
from backend.serve.stages import Link, Stages, divided
from backend.serve.weights import Weights, read_weights

CACHES = 3 / 8
"""Of the memory that is free, what caches take at most where nothing was said."""
TRIED = 32
"""Tokens of the prompt that a model is tried with."""


def _unheard() -> None:
    """The next step will say so."""


@dataclass(frozen=True)
class Held:
    """What a worker answers with."""

    model: Llama
    base: Weights
    adapters: Adapters
    rows: int
    """Requests at a time."""
    kept_bytes: int
    """For the caches of requests that have ended."""
    processes: int = 1

    @property
    def memory_bytes(self) -> int:
        """Bytes that all its processes take; of GPUs about, since each process knows but its own."""
        own = psutil.Process()
        resident = sum(int(one.memory_info().rss) for one in (own, *own.children()))
        return resident + self.processes * taken(self.model.kind.device)

    def warm(self) -> None:
        """Read a prompt and a token for the first time: what is made only then is made before somebody waits.

        Raises RefactError, Lost."""
        with torch.inference_mode():
            cache = self.model.cache(2 * TRIED)
            for tokens in (TRIED, *[1] * self.model.tries):
                self.model.forward(self.base, [Piece(cache, [0] * tokens)])


def hold(info: ModelInfo, placed: Placed, ended: Callable[[], None] = _unheard) -> Held:
    """Load a model; `ended` is called when another process that holds layers has ended.

    Raises RefactError where it cannot be loaded, Lost."""
    shape = replace(read_shape(info.path), context=info.context)
    parts = divided(shape.layers, len(placed.devices))
    kinds = [kind_of(device, placed.dtype) for device in placed.devices]
    share = None if placed.memory_bytes is None else placed.memory_bytes // len(placed.devices)
    limit(kinds[0].device, share)
    links = [
        Link(info, Place(shape, part.start, part.stop, device, placed.dtype, placed.quantisation, share), ended)
        for part, device in zip(parts[1:], placed.devices[1:], strict=True)
    ]
    base = read_weights(info.path, shape, kinds[0], parts[0], quantisation=placed.quantisation)
    for link in links:
        link.answer()
    rows, kept_bytes = afforded(shape, _free(info, placed), kinds[0])
    model: Llama
    adapters: Adapters
    copies = placed.quantisation == "none"
    if links:
        model = stages = Stages(shape, len(parts[0]), kinds[0], links)
        adapters = Adapters(base, shape, stages.prepare, copies)
    else:
        model, adapters = _alone(shape, kinds[0], rows, kept_bytes), Adapters(base, shape, copies=copies)
    return Held(model, base, adapters, rows, kept_bytes, len(parts))


def _alone(shape: Shape, kind: Kind, rows: int, kept_bytes: int) -> Llama:
    """All of a model in one place; on a GPU there is a slot for whatever may be read or kept at a time."""
    if kind.device.type == "cpu":
        return Llama(shape, kind)
    return Graphs(shape, kind, rows + kept_bytes // cache_bytes(shape, kind))


def _free(info: ModelInfo, placed: Placed) -> int:
    """Bytes of which caches may take their share, now that the weights are there."""
    free = main_memory_available()
    if CPU not in placed.devices:
        free = min(gpu.free_bytes for gpu in gpus() if gpu.index in placed.gpus) * len(placed.devices)
    if placed.memory_bytes is None:
        return free
    left = max(placed.memory_bytes - weights_bytes(info, placed.dtype, placed.quantisation), 0)
    return min(free, int(left / CACHES))
