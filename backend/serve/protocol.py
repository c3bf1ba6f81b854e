"""The messages between engine and worker: msgpack behind a four-byte length, over the worker's stdin and stdout."""

import struct
from typing import BinaryIO

import msgspec

from backend.serve.request import Adapter, CompletionRequest, Delta

HEADER = struct.Struct("<I")


class Generate(msgspec.Struct, frozen=True, tag="generate"):
    """Answer a request, with this adapter or with the base model alone."""

    id: int
    request: CompletionRequest
    adapter: Adapter | None


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Answer a request no further: nobody listens any more."""

    id: int


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Prepare this checkpoint beside what is there, so that the first request need not wait for it."""

    id: int
    adapter: Adapter


class Warming(msgspec.Struct, frozen=True, tag="warming"):
    """The weights are in memory, and tried for the first time."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """It can answer; the memory that it takes."""

    memory_bytes: int


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """The next part of an answer."""

    id: int
    delta: Delta


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """A checkpoint was prepared; the memory that the worker takes now."""

    id: int
    memory_bytes: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request or a load that cannot be done; id 0 means the worker itself cannot start."""

    id: int
    message: str
    hint: str = ""
    overloaded: bool = False
    """It may be asked again in a moment."""


ToWorker = Generate | Cancel | Load
FromWorker = Warming | Ready | Piece | Loaded | Failed

_encoder = msgspec.msgpack.Encoder()
to_worker = msgspec.msgpack.Decoder(ToWorker)
from_worker = msgspec.msgpack.Decoder(FromWorker)


def frame(message: ToWorker | FromWorker) -> bytes:
    """One message as bytes for the pipe."""
    body = _encoder.encode(message)
    return HEADER.pack(len(body)) + body


def read(stream: BinaryIO) -> ToWorker | None:
    """The worker's next message, waiting for it; None when the engine has closed the pipe."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    body = stream.read(HEADER.unpack(header)[0])
    message: ToWorker = to_worker.decode(body)
    return message
