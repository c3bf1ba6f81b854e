"""What taught a checkpoint: the very contents of its run, by name and hash."""

from backend import wire
from backend.checkpoints import catalog
from backend.context import Context
from backend.train import taught


async def files(ctx: Context, name: str) -> list[wire.TaughtFile]:
    """Every file that the run of a checkpoint learnt from or was tested on. Raises BadRequest, NotFound."""
    point = await catalog.resolve(ctx, name)
    found = await taught.members(ctx, point.run)
    return [wire.TaughtFile(path=one.path, sha256=one.sha256, set=one.set) for one in found]
