"""What the worker and the processes that hold a model's other layers say to one another, over pipes."""

from typing import BinaryIO

import msgspec
import torch

from backend.serve.kind import Kind
from backend.serve.llama import Shape
from backend.serve.protocol import HEADER


class Place(msgspec.Struct, frozen=True):
    """Which layers a process holds, and where."""

    shape: Shape
    """Of the whole model."""
    start: int
    stop: int
    device: str
    dtype: str
    quantisation: str = "none"
    memory_bytes: int | None = None
    """What it may take of a GPU."""


class Copied(msgspec.Struct, frozen=True, tag="copied"):
    """The cache `to` takes over the first tokens of another."""

    to: int
    length: int
    source: int
    tokens: int


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """An adapter will be asked for by this number; `merged`: as a copy of the layers with it added."""

    number: int
    path: str
    merged: bool


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """Caches and adapters that are asked for no more."""

    caches: list[int]
    adapters: list[int]


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One request's share of a step."""

    cache: int
    length: int
    used: int
    tokens: int
    wanted: int
    change: int
    """Number of the adapter that it runs with beside the layers; 0: none."""


class Forward(msgspec.Struct, frozen=True, tag="forward"):
    """Run the layers over `x`, a line a token of all parts; answered with what they make of it."""

    weights: int
    """Number of the copy; 0: the base model."""
    parts: list[Part]
    x: bytes


class Held(msgspec.Struct, frozen=True, tag="held"):
    """The layers are in memory."""


class Made(msgspec.Struct, frozen=True, tag="made"):
    """What comes out of its layers, as the bytes of a tensor."""

    x: bytes


class Trouble(msgspec.Struct, frozen=True, tag="trouble"):
    """What was asked cannot be done; said before Held, nothing ever can."""

    message: str
    hint: str = ""


ToShard = Copied | Prepare | Gone | Forward
FromShard = Held | Made | Trouble

_encoder = msgspec.msgpack.Encoder()
to_shard = msgspec.msgpack.Decoder(ToShard)
from_shard = msgspec.msgpack.Decoder(FromShard)


def send(stream: BinaryIO, message: ToShard | FromShard) -> None:
    """Write a message; it is under way when the stream is flushed."""
    body = _encoder.encode(message)
    stream.write(HEADER.pack(len(body)))
    stream.write(body)


def receive(stream: BinaryIO) -> bytes | None:
    """The next message, waiting for it; None where the other side has ended."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length = HEADER.unpack(header)[0]
    body = stream.read(length)
    return body if len(body) == length else None


def as_bytes(x: torch.Tensor) -> bytes:
    """Numbers of any width as they lie in memory."""
    data: bytes = x.contiguous().cpu().view(torch.uint8).numpy().tobytes()
    return data


def as_lines(data: bytes, width: int, kind: Kind) -> torch.Tensor:
    """The same numbers again, (lines, width)."""
    if not data:  # of no token is wanted what the last layer makes
        return torch.empty(0, width, dtype=kind.dtype, device=kind.device)
    return torch.frombuffer(bytearray(data), dtype=kind.dtype).view(-1, width).to(kind.device)
