"""The catalog: what is best, what is served, and which run the latest best comes from."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.checkpoints import catalog
from backend.errors import BadRequest, NotFound
from backend.store.database import Database


@pytest.fixture
async def ctx(tmp_path: Path) -> AsyncIterator[Any]:
    database = await Database.open(tmp_path / "state.db")
    yield SimpleNamespace(db=database, project=1)
    await database.close()


async def add(ctx: Any, name: str, state: str, base: float, losses: dict[int, float], ended: str | None) -> None:
    best = min(losses, key=lambda step: losses[step])
    await ctx.db.execute(
        "INSERT INTO runs(project_id, name, model, state, settings, plan, base_loss, best_loss, best_step, wanted, "
        "created, ended) VALUES (1, ?, 'starter', ?, '{}', '{}', ?, ?, ?, 'stopped', '2026', ?)",
        (name, state, base, losses[best], best, ended),
    )
    row = await ctx.db.fetch_one("SELECT id FROM runs WHERE name = ?", (name,))
    for step, loss in losses.items():
        await ctx.db.execute(
            "INSERT INTO checkpoints(run_id, step, model, test_loss, size, path, made) "
            "VALUES (?, ?, 'starter', ?, 9, ?, '2026')",
            (row["id"], step, loss, f"/runs/{name}/{step}"),
        )


async def test_the_latest_best_is_of_the_newest_finished_run_that_beats_its_base(ctx: Any) -> None:
    assert await catalog.latest_best(ctx, "starter") is None
    await add(ctx, "old", "done", 2.0, {10: 1.5, 20: 1.4}, "2026-01-01")
    await add(ctx, "worse", "done", 2.0, {10: 2.2}, "2026-01-02")
    await add(ctx, "going", "running", 2.0, {10: 1.0}, None)
    await add(ctx, "halted", "stopped", 2.0, {10: 1.1}, "2026-01-03")
    best = await catalog.latest_best(ctx, "starter")
    assert best is not None and best.id == "old:20" and best.best
    await add(ctx, "new", "done", 2.0, {10: 1.9}, "2026-01-04")
    best = await catalog.latest_best(ctx, "starter")
    assert best is not None and best.id == "new:10"
    assert await catalog.latest_best(ctx, "another") is None


async def test_one_is_best_and_the_one_that_is_pointed_at_is_served(ctx: Any) -> None:
    await add(ctx, "one", "done", 2.0, {10: 1.5, 20: 1.4, 30: 1.6}, "2026-01-01")
    await ctx.db.execute(
        "INSERT INTO serving(model, mode, run, step, changed, caps_version) "
        "VALUES ('starter', 'specific', 'one', 10, '2026', 1)"
    )
    made = await catalog.list_checkpoints(ctx)
    assert [one.id for one in made] == ["one:30", "one:20", "one:10"]
    assert [one.id for one in made if one.best] == ["one:20"]
    assert [one.id for one in made if one.served] == ["one:10"]


async def test_names_are_found_or_refused_in_words(ctx: Any) -> None:
    await add(ctx, "one", "done", 2.0, {10: 1.5}, "2026-01-01")
    assert (await catalog.resolve(ctx, "one:10")).path == "/runs/one/10"
    with pytest.raises(NotFound, match="no checkpoint one:11"):
        await catalog.resolve(ctx, "one:11")
    for name in ("one", "one:", ":3", "one:x", "../one:1", "one:1:2"):
        with pytest.raises(BadRequest):
            await catalog.resolve(ctx, name)
