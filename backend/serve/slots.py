"""One piece of memory for the keys and values of all requests: a step can name its caches by number."""

import weakref

import torch
from torch import Tensor

from backend.serve.caches import Cache, rounded
from backend.serve.kind import Kind
from backend.serve.llama import Shape


class Slotted(Cache):
    """A cache that lies in a slot, which is free again when nobody has the cache any more."""

    def __init__(self, shape: Shape, length: int, kind: Kind, room: Tensor, slot: int) -> None:
        super().__init__(shape, length, kind, room)
        self.slot = slot


class Slots:
    """Room for `count` caches as long as the context, and one more that belongs to nobody."""

    def __init__(self, shape: Shape, kind: Kind, count: int) -> None:
        self._shape, self._kind = shape, kind
        self.length, self.nobody = rounded(shape.context), count
        size = (count + 1, 2 * shape.layers, shape.kv_heads, self.length, shape.head)
        # Zeros: what has never been written is read too, at a chance of nought, and must be no NaN.
        self.room = torch.zeros(size, device=kind.device, dtype=kind.dtype)
        self._free = list(range(count))

    def cache(self, length: int) -> Cache:
        """An empty cache for at least so many tokens; outside of the slots where none is free or it would not fit."""
        if not self._free or length > self.length:
            return Cache(self._shape, length, self._kind)
        slot = self._free.pop()
        cache = Slotted(self._shape, self.length, self._kind, self.room[slot], slot)
        weakref.finalize(cache, self._free.append, slot)
        return cache
