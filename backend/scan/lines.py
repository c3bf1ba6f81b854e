"""Mean loss per line, kept as one byte a line; pure."""

import zlib
from collections.abc import Sequence

STEP = 1 / 16
"""Nats per unit; 254 units (15.9 nats) and more are one."""
NOTHING = 255


def pack_lines(losses: Sequence[float | None]) -> bytes:
    """Losses in nats, None for a line without tokens."""
    return zlib.compress(bytes(NOTHING if loss is None else min(round(max(loss, 0.0) / STEP), 254) for loss in losses))


def unpack_lines(blob: bytes | None) -> list[float | None]:
    """What `pack_lines` kept, to 1/16 nat."""
    return [None if unit == NOTHING else unit * STEP for unit in zlib.decompress(blob)] if blob else []
