"""A sync of a repository tells what it has brought."""

from pathlib import Path

from backend import wire
from backend.context import Context
from backend.sources import catalog
from tests.sources.test_git_sources import commit, run
from tests.sources.test_git_sources import repository as repository


async def synced(ctx: Context) -> wire.Source:
    source = await catalog.sync(ctx, "project")
    await ctx.jobs.wait(source.job or 0)
    return await catalog.get(ctx, "project")


async def test_what_a_sync_has_brought(context: Context, repository: Path) -> None:
    first = await catalog.add(context, wire.AddSource(what=str(repository)))
    await context.jobs.wait(first.job or 0)
    before = run(repository, "rev-parse", "HEAD")
    assert (await catalog.get(context, "project")).detail == "left out: 1 × symbolic link"
    assert (await synced(context)).detail == "nothing new; left out: 1 × symbolic link"
    (repository / "src" / "a.py").write_text("a = 2\n")
    (repository / "src" / "new.py").write_text("n = 1\n")
    (repository / "big.txt").unlink()
    commit(repository)
    told = (await synced(context)).detail
    assert told == f"since {before[:7]}: 1 added, 1 changed, 1 removed; left out: 1 × symbolic link"
