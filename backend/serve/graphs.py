"""A model on a GPU whose small steps are recorded once and played again: the GPU waits for no Python between kernels.

A step of a few tokens is one of a few sizes, each padded to; keys and values lie in slots that it names by number. What
a step of another kind needs (long prompts, adapters beside the base, packed weights) is computed as anywhere else.
CUDA graphs are what vLLM and TensorRT-LLM decode with too."""

import weakref
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.serve.caches import STEP, Cache
from backend.serve.decode import Llama, Piece
from backend.serve.kind import Kind
from backend.serve.llama import Shape
from backend.serve.slots import Slots, Slotted
from backend.serve.weights import LayerChange, Weights

SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Tokens of a step that is recorded; the next larger one is played for a smaller step."""
OFTEN = 3
"""A step of a size is recorded when it is asked for so many times."""

Play = Callable[[Tensor], Tensor]
"""What a recorded step makes of (3, tokens) ids, slots and positions: (tokens, vocabulary) logits."""


class Graphs(Llama):
    """The forward pass, by heart where it can be."""

    tries = OFTEN

    def __init__(self, shape: Shape, kind: Kind, caches: int) -> None:
        super().__init__(shape, kind)
        self._slots = Slots(shape, kind, caches)
        self._asked: weakref.WeakKeyDictionary[Weights, dict[tuple[int, int], int]] = weakref.WeakKeyDictionary()
        self._known: weakref.WeakKeyDictionary[Weights, dict[tuple[int, int], Play]] = weakref.WeakKeyDictionary()
        self._pool = torch.cuda.graph_pool_handle() if kind.device.type == "cuda" else None

    def cache(self, length: int) -> Cache:
        return self._slots.cache(length)

    def forward(self, weights: Weights, pieces: Sequence[Piece]) -> Tensor:
        places = _places(pieces)
        size = next((size for size in SIZES if size >= len(places)), None)
        if not places or size is None or not isinstance(weights.layers[0].qkv, Tensor):
            return super().forward(weights, pieces)
        longest = STEP
        while longest <= max(position for _, _, position in places):
            longest *= 2
        play = self._play(weights, size, min(longest, self._slots.length))
        if play is None:
            return super().forward(weights, pieces)
        padding = [(0, self._slots.nobody, 0)] * (size - len(places))
        found = play(torch.tensor([*places, *padding]).t().contiguous())
        # Copied: what is played next writes to the same place.
        lines = torch.split(found[: len(places)].to(torch.float32, copy=True), [len(piece.ids) for piece in pieces])
        for piece in pieces:
            piece.cache.used += len(piece.ids)
        wanted = [part[len(part) - piece.wanted :] for part, piece in zip(lines, pieces, strict=True)]
        return torch.cat(wanted) if len(wanted) > 1 else wanted[0]

    def _play(self, weights: Weights, size: int, longest: int) -> Play | None:
        """A step of that size as it was recorded, now where it is due; None where it is rare."""
        known, asked = self._known.setdefault(weights, {}), self._asked.setdefault(weights, {})
        if (size, longest) not in known:
            asked[size, longest] = asked.get((size, longest), 0) + 1
            if asked[size, longest] < OFTEN:
                return None
            known[size, longest] = self._recorded(weights, size, longest)
        return known[size, longest]

    def _recorded(self, weights: Weights, size: int, longest: int) -> Play:
        given = torch.zeros((3, size), dtype=torch.int64, device=self.kind.device)
        given[1] = self._slots.nobody
        if self._pool is None:
            held = weakref.ref(weights)

            def computed(places: Tensor) -> Tensor:
                weights = held()
                assert weights
                return self._fixed(weights, places, longest)

            return computed
        # Once without recording: libraries set themselves up at their first call.
        self._fixed(weights, given, longest)
        torch.cuda.synchronize(self.kind.device)
        graph = torch.cuda.CUDAGraph()
        # Copies of checkpoints are made in another thread meanwhile, and may ask for memory.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            logits = self._fixed(weights, given, longest)

        def played(places: Tensor) -> Tensor:
            given.copy_(places)
            graph.replay()
            return logits

        return played

    def _fixed(self, weights: Weights, places: Tensor, longest: int) -> Tensor:
        """Logits behind every token of (3, tokens) ids, slots and positions; nothing in it depends on their values."""
        assert weights.ends
        x = self.through(
            weights.layers, weights.ends.embedding[places[0]], _FixedStep(self, self._slots, places, longest)
        )
        return self.logits(weights, x)


class _FixedStep:
    """Tokens that each attend to the slot they are in, up to themselves, among the first `longest` places."""

    def __init__(self, model: Graphs, slots: Slots, places: Tensor, longest: int) -> None:
        self._shape, self._room, self._longest = model.shape, slots.room, longest
        _, self._slots, self._positions = places
        self.turning = model.turning(self._positions)
        unseen = torch.arange(longest, device=places.device) > self._positions.unsqueeze(1)
        mask = torch.zeros(unseen.shape, device=places.device, dtype=model.kind.dtype)
        self._mask = mask.masked_fill_(unseen, -torch.inf)[:, None, None]

    def changes(self, number: int, last: bool = False) -> list[tuple[int, int, LayerChange]]:
        return []

    def asked(self, x: Tensor) -> Tensor:
        return x

    def attend(self, number: int, queries: Tensor, keys: Tensor, values: Tensor, last: bool) -> Tensor:
        shape, room = self._shape, self._room[:, 2 * number : 2 * number + 2]
        room[self._slots, :, :, self._positions] = torch.stack((keys, values), 1)
        known, held = room[..., : self._longest, :].index_select(0, self._slots).unbind(1)
        # Heads that share keys stand in for several tokens, so that no key is copied for that.
        asked = queries.view(len(queries), shape.kv_heads, -1, shape.head)
        return F.scaled_dot_product_attention(asked, known, held, attn_mask=self._mask).reshape(-1, shape.queries)


def _places(pieces: Sequence[Piece]) -> list[tuple[int, int, int]]:
    """Id, slot and position of each token, none where one of them cannot be named so."""
    found: list[tuple[int, int, int]] = []
    for piece in pieces:
        if piece.change or not isinstance(piece.cache, Slotted) or len(found) + len(piece.ids) > SIZES[-1]:
            return []
        found += [(id_, piece.cache.slot, piece.cache.used + place) for place, id_ in enumerate(piece.ids)]
    return found
