"""Where a hosted model computes, and in what numbers: what was wished for, made definite for this box; torch-free."""

import os
from collections import Counter
from collections.abc import Collection, Sequence
from importlib.util import find_spec

import msgspec
import psutil

from backend.devices import Gpu, fast_bf16, main_memory_available
from backend.errors import BadRequest, TooLarge
from backend.models.catalog import SHORTEST_CONTEXT, ModelInfo
from backend.serve.llama import Shape
from backend.wire import Placement

GB = 2**30
WIDTHS = {"fp32": 4, "bf16": 2, "fp16": 2}
PACKED_WIDTHS = {"8bit": 1.01, "4bit": 0.57}
SMALL = 50_000_000
"""Parameters below which a step is bound by overhead: one thread is enough, and a second one only waits."""
SPARE = 1.15
"""A model needs more than its weights: the keys and values of a few requests, and what the driver takes."""
AUTO, CPU = "auto", "cpu"


class Placed(msgspec.Struct, frozen=True):
    """How one worker is to load its model."""

    devices: list[str]
    """As torch names them, in the order of the layers that they hold."""
    dtype: str
    context: int
    """Tokens."""
    memory_bytes: int | None
    """For all devices together."""
    threads: int
    """On a CPU, for each process."""
    quantisation: str = "none"

    @property
    def gpus(self) -> set[int]:
        """Numbers of the GPUs among the devices."""
        return {int(device.removeprefix("cuda:")) for device in self.devices if device != CPU}

    @property
    def counts(self) -> dict[str, int]:
        """How many parts of the layers each device holds, by its name for people."""
        return dict(Counter(device.removeprefix("cuda:") for device in self.devices))

    @property
    def named(self) -> str:
        """The devices for people: `cpu`, `GPU0`, `GPU0,1`."""
        gpus = ",".join(str(number) for number in sorted(self.gpus))
        return ",".join([*(CPU for device in self.devices if device == CPU), *([f"GPU{gpus}"] if gpus else [])])


def place(
    wish: Placement, info: ModelInfo, shape: Shape, gpus: Sequence[Gpu], busy: Collection[int], closed: Collection[int]
) -> Placed:
    """The wish made definite. On GPUs that are `closed` nothing may be put; on `busy` ones nothing that does not share.

    Raises BadRequest for what cannot be on this box, TooLarge for what does not fit."""
    context = _context(wish, info)
    if wish.quantisation == "4bit" and find_spec("bitsandbytes") is None:
        raise BadRequest("Weights in 4 bits take bitsandbytes.", "pip install 'refact-tui[quantised]'")
    named = [part.strip().lower().removeprefix("cuda:") for part in wish.device.split(",")]
    if named == [AUTO]:
        devices = _found(wish, info, shape, gpus, {*closed} if wish.share else {*closed, *busy}, context)
    else:
        devices = _named(named, wish, gpus, busy, closed)
    if len(devices) > shape.layers:
        raise BadRequest(
            f"{info.name} has {shape.layers} layers, too few for {len(devices)} devices.", "Name fewer devices."
        )
    dtype = _dtype(wish, info, devices, gpus)
    needed = weights_bytes(info, dtype, wish.quantisation) + cache_bytes(shape, dtype, context)
    budget = None if wish.memory_gb is None else int(wish.memory_gb * GB)
    if budget is not None and budget < needed:
        raise BadRequest(
            f"With one request of {context} tokens {info.name} takes {needed / GB:.1f} GB, not {wish.memory_gb:g}.",
            "Give it more memory, or a shorter context.",
        )
    _fits(info, devices, needed, gpus)
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    threads = 1 if info.parameters < SMALL else max(1, cores // 2 // len(devices))
    return Placed(devices, dtype, context, budget, threads, wish.quantisation)


def weights_bytes(info: ModelInfo, dtype: str, quantisation: str = "none") -> int:
    """What a model's weights take; what stands before and behind the layers is never packed."""
    ends = min(2 * info.vocab_size * info.hidden_size, info.parameters)
    layers = info.parameters - ends
    return WIDTHS[dtype] * ends + int(PACKED_WIDTHS.get(quantisation, WIDTHS[dtype]) * layers)


def cache_bytes(shape: Shape, dtype: str, context: int) -> int:
    """What keys and values of one request take that is as long as may be."""
    return 2 * shape.layers * shape.keys * context * WIDTHS[dtype]


def _context(wish: Placement, info: ModelInfo) -> int:
    if wish.context is None:
        return info.context
    if not SHORTEST_CONTEXT <= wish.context <= info.context:
        raise BadRequest(f"A context of {wish.context} tokens cannot be: {SHORTEST_CONTEXT} to {info.context} can.")
    return wish.context


def _named(
    named: Sequence[str], wish: Placement, gpus: Sequence[Gpu], busy: Collection[int], closed: Collection[int]
) -> list[str]:
    there = {str(gpu.index): gpu.index for gpu in gpus}
    for one in named:
        if one != CPU and one not in there:
            have = f"GPUs {', '.join(there)}" if there else "no GPU"
            raise BadRequest(
                f"There is no device {one!r} on this box: it has {have}, and cpu.",
                "Name auto, cpu, a GPU's number, or several with commas between.",
            )
        if one != CPU and there[one] in closed:
            raise BadRequest(f"GPU {one} is taken by a model that does not share it.", "Pick another, or unhost that.")
        if one != CPU and not wish.share and there[one] in busy:
            raise BadRequest(f"GPU {one} has other models on it.", "Unhost them, or let this one share.")
    if len({one for one in named if one != CPU}) < len([one for one in named if one != CPU]):
        raise BadRequest("A GPU is named twice.", "Each holds a part of the layers: name it once.")
    return [one if one == CPU else f"cuda:{one}" for one in named]


def _found(
    wish: Placement, info: ModelInfo, shape: Shape, gpus: Sequence[Gpu], shut: Collection[int], context: int
) -> list[str]:
    """The GPU with most free memory, as many as it takes where one is too small, or the CPU."""
    dtype = wish.dtype if wish.dtype != AUTO else "bf16"
    needed = SPARE * weights_bytes(info, dtype, wish.quantisation) + cache_bytes(shape, dtype, context)
    open_ = sorted((gpu for gpu in gpus if gpu.index not in shut), key=lambda gpu: -gpu.free_bytes)
    for count in range(1, len(open_) + 1):
        # Each holds as many layers as the others.
        if open_[count - 1].free_bytes * count >= needed:
            return [f"cuda:{index}" for index in sorted(gpu.index for gpu in open_[:count])]
    return [CPU]


def _dtype(wish: Placement, info: ModelInfo, devices: Sequence[str], gpus: Sequence[Gpu]) -> str:
    on_cpu = CPU in devices
    if wish.dtype == AUTO:
        if info.parameters < SMALL:
            return "fp32"  # then an answer is the same in any company, and a GPU is no slower
        old = any(gpu.capability < (8, 0) for gpu in gpus if f"cuda:{gpu.index}" in devices)
        return "fp32" if on_cpu else "fp16" if old else "bf16"
    if on_cpu and wish.dtype == "fp16":
        raise BadRequest("A CPU does not compute in fp16.", "Take fp32 there.")
    if on_cpu and wish.dtype == "bf16" and not fast_bf16():
        raise BadRequest("This CPU does not compute in bf16: it would be a hundred times slower.", "Take fp32.")
    return wish.dtype


def _fits(info: ModelInfo, devices: Sequence[str], needed: int, gpus: Sequence[Gpu]) -> None:
    """Whether each device has room for its share, with all that the CPU holds counted together."""
    on_cpu = needed * sum(device == CPU for device in devices) // len(devices)
    rooms = [("memory", on_cpu, main_memory_available())] if on_cpu else []
    rooms += [
        (f"GPU {gpu.index}", needed // len(devices), gpu.free_bytes) for gpu in gpus if f"cuda:{gpu.index}" in devices
    ]
    for where, wanted, free in rooms:
        if wanted > free:
            raise TooLarge(
                f"{info.name} takes {wanted / GB:.1f} GB of {where}, and {free / GB:.1f} GB are free.",
                "Close something, unhost another model, or spread it over more devices.",
            )
