"""Keys and values of one request, and those of ended requests, found again by the tokens that they begin with."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.serve.kind import PLAIN, Kind
from backend.serve.llama import Shape

STEP = 256
"""Caches are as long as a multiple of this many tokens: the next keystroke's request fits where the last one was."""
LEAST = 8
"""A shorter common beginning is computed again."""
ROWS = 32
"""Requests decoded together at most."""
KEPT = 16
"""Ended requests, each as long as the context, whose caches are kept at most."""


class Cache:
    """Keys and values of one request, allocated once for its longest."""

    def __init__(self, shape: Shape, length: int, kind: Kind = PLAIN, room: Tensor | None = None) -> None:
        """`room`: where it lies, if there is a place already."""
        self.length = length
        self.used = 0
        # One behind the other a layer, so that a step needs two views of all of it and none a layer.
        size = (2 * shape.layers, shape.kv_heads, length, shape.head)
        self._room = torch.empty(size, device=kind.device, dtype=kind.dtype) if room is None else room

    @property
    def bytes(self) -> int:
        """Of memory that it takes, full or not."""
        return int(self._room.nbytes)

    def upto(self, end: int) -> tuple[Tensor, ...]:
        """Keys and values of the first `end` tokens, in turn for each layer, each as a batch of one."""
        views: tuple[Tensor, ...] = self._room[:, None, :, :end].unbind(0)
        return views

    def between(self, start: int, end: int) -> tuple[Tensor, ...]:
        """Where keys and values of these tokens go, in turn for each layer."""
        views: tuple[Tensor, ...] = self._room[:, :, start:end].unbind(0)
        return views

    def copy_from(self, other: "Cache", tokens: int) -> None:
        """Take over the first tokens of another cache, which keeps them."""
        self._room[:, :, :tokens] = other._room[:, :, :tokens]
        self.used = tokens


@dataclass(eq=False)
class Known:
    """A cache and the tokens that it was computed from, as far as `cache.used` says."""

    key: str
    ids: bytes
    cache: Cache


class Prefixes:
    """Caches of ended requests, the latest used of them; `key` names the weights that computed them."""

    def __init__(self, new: Callable[[int], Cache], limit: int) -> None:
        """Keep at most `limit` bytes; `new` makes an empty cache for so many tokens."""
        self._new, self._limit = new, limit
        self._kept: list[Known] = []

    @property
    def bytes(self) -> int:
        """Of memory that all kept ones take."""
        return sum(one.cache.bytes for one in self._kept)

    def take(self, key: str, ids: Sequence[int], length: int, busy: Sequence[Known] = ()) -> Cache:
        """A cache for `length` tokens that holds the longest known beginning of `ids`, one token less at most.

        One that is kept is taken over where most of it is wanted, else copied: what many prompts begin with stays.
        Of those that are still written to (`busy`) it is always a copy."""
        wanted = packed(ids[:-1])
        best, common = None, LEAST - 1
        for one in (*self._kept, *busy):
            shared = min(common_length(one.ids, wanted), one.cache.used) if one.key == key else 0
            if shared > common:
                best, common = one, shared
        if best is None:
            return self._new(rounded(length))
        if best in self._kept:
            self._kept.remove(best)
            if best.cache.length >= length and 2 * common >= best.cache.used:
                best.cache.used = common
                return best.cache
            self._kept.append(best)
        cache = self._new(rounded(length))
        cache.copy_from(best.cache, common)
        return cache

    def keep(self, key: str, ids: Sequence[int], cache: Cache) -> None:
        """Keep the cache of a request that has ended, of whose tokens it has read `cache.used`."""
        if cache.used < LEAST or cache.bytes > self._limit:
            return
        self._kept.append(Known(key, packed(ids[: cache.used]), cache))
        self.hold(self._limit)

    def hold(self, limit: int) -> None:
        """Keep at most so many bytes from now on."""
        self._limit = limit
        while self.bytes > self._limit:
            del self._kept[0]


def afforded(shape: Shape, free: int, kind: Kind = PLAIN) -> tuple[int, int]:
    """Of `free` bytes: how many rows may be decoded together, in a quarter, and bytes for what is kept, an eighth."""
    whole = cache_bytes(shape, kind)
    return max(1, min(ROWS, free // 4 // whole)), min(KEPT * whole, free // 8)


def cache_bytes(shape: Shape, kind: Kind = PLAIN) -> int:
    """Of a cache as long as the context."""
    return int(2 * shape.layers * shape.keys * rounded(shape.context) * kind.dtype.itemsize)


def packed(ids: Sequence[int]) -> bytes:
    """Ids in four bytes each, so that long beginnings are compared at the speed of memory."""
    return array("I", ids).tobytes()


def common_length(one: bytes, other: bytes) -> int:
    """Tokens that both begin with."""
    low, high = 0, min(len(one), len(other)) // 4
    while low < high:
        middle = (low + high + 1) // 2
        if one[4 * low : 4 * middle] == other[4 * low : 4 * middle]:
            low = middle
        else:
            high = middle - 1
    return low


def rounded(length: int) -> int:
    """As long as a cache for so many tokens is."""
    return -(-length // STEP) * STEP
