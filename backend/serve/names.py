"""The names under which completions can be asked for."""

from backend.checkpoints import catalog
from backend.context import Context
from backend.models.catalog import get
from backend.serve.request import BASE


async def names(ctx: Context) -> list[str]:
    """Per hosted model: `MODEL` (what it serves now), `MODEL:base`, and `MODEL:RUN:STEP` for every checkpoint."""
    checkpoints = await catalog.list_checkpoints(ctx)
    listed = []
    for model in ctx.hosts.models():
        listed += [model, f"{model}:{BASE}"]
        listed += [f"{model}:{checkpoint.id}" for checkpoint in checkpoints if checkpoint.model == model]
    return listed


def abilities(ctx: Context) -> dict[str, list[str]]:
    """The hosted models that complete, and those that chat."""
    hosted = [get(ctx, model) for model in ctx.hosts.models()]
    return {kind: [info.name for info in hosted if kind in info.supports] for kind in ("completion", "chat")}
