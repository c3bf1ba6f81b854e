"""What a person has chosen for the scan: masks, language switches and the threshold, kept for every later scan."""

import msgspec

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest
from backend.scan.verdict import masks

NAME = "scan.settings"
MOST_MASKS = 500
HIGHEST = 50.0
"""Nats per token; no model is worse than guessing."""


async def read(ctx: Context) -> wire.ScanSettings:
    """As they are now."""
    return msgspec.convert(await settings.get(ctx.db, ctx.setting(NAME)) or {}, wire.ScanSettings)


async def write(ctx: Context, wanted: wire.ScanSettings) -> None:
    """Keep them. Raises BadRequest for a mask that cannot be read, or a threshold that is none."""
    if len(wanted.include) + len(wanted.exclude) > MOST_MASKS:
        raise BadRequest(f"There are more than {MOST_MASKS} masks.", "One pattern may cover many files: src/**/gen/.")
    masks(wanted.include)
    masks(wanted.exclude)
    if wanted.threshold is not None and not 0 < wanted.threshold <= HIGHEST:
        raise BadRequest(f"The threshold is {wanted.threshold:g}; it must lie above 0 and up to {HIGHEST:g} nats.")
    if both := set(wanted.languages_on) & set(wanted.languages_off):
        raise BadRequest(f"{', '.join(sorted(both))} cannot be on and off.")
    await settings.set(ctx.db, ctx.setting(NAME), msgspec.to_builtins(wanted))
