"""What is deleted comes back whole; what is served or at work stays; names change everywhere at once."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backend import trash, wire
from backend.checkpoints import catalog, lineage
from backend.checkpoints import trash as deleting
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.store import trash as store
from backend.train import run as runs
from backend.train.dataset import Member, write_manifest
from tests.scan.conftest import context

__all__ = ["context"]


async def made(ctx: Context, run: str = "first", state: str = "done") -> Path:
    """A run with three checkpoints, of which the second is the best."""
    folder = ctx.paths.runs / run
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"run": run}))
    write_manifest(folder / "manifest.jsonl", [Member("ab" * 32, "a.py", "train"), Member("cd" * 32, "b.py", "test")])
    number = await ctx.db.execute(
        "INSERT INTO runs(project_id, name, model, state, wanted, settings, plan, created, base_loss, best_loss, "
        "best_step) VALUES (1, ?, 'starter', ?, 'stopped', '{}', '{}', '2026-01-01', 2.0, 1.5, 20)",
        (run, state),
    )
    await ctx.db.execute("INSERT INTO metrics(run_id, step, train_loss) VALUES (?, 1, 1.9)", (number,))
    for step, loss in ((10, 1.8), (20, 1.5), (30, 1.6)):
        path = folder / "checkpoints" / f"step-{step}"
        path.mkdir(parents=True)
        (path / "adapter_model.safetensors").write_bytes(bytes(step))
        await ctx.db.execute(
            "INSERT INTO checkpoints(run_id, step, model, test_loss, size, path, made) "
            "VALUES (?, ?, 'starter', ?, ?, ?, '2026-01-01')",
            (number, step, loss, step, str(path)),
        )
    return folder


async def serve(ctx: Context, run: str, step: int) -> None:
    await ctx.db.execute(
        "INSERT INTO serving(model, mode, run, step, changed) VALUES ('starter', 'specific', ?, ?, '')", (run, step)
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def rows(ctx: Context) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in ("runs", "metrics", "checkpoints"):
        found[table] = [dict(row) for row in await ctx.db.fetch_all(f"SELECT * FROM {table} ORDER BY 1, 2")]
    return found


async def test_a_checkpoint_comes_back_whole(context: Context) -> None:
    folder = await made(context)
    before, kept = files(folder), await rows(context)
    await deleting.delete_checkpoint(context, "first:20")
    assert [one.step for one in await catalog.list_checkpoints(context)] == [30, 10]
    best = (await runs.get(context, "first")).best_checkpoint
    assert best == "first:30", "the best of what is left"
    with pytest.raises(NotFound):
        await catalog.resolve(context, "first:20")
    await trash.restore(context, "first:20")
    assert files(folder) == before
    assert await rows(context) == kept
    assert not list(context.paths.trash.iterdir())


async def test_a_run_comes_back_whole(context: Context) -> None:
    folder = await made(context)
    before, kept = files(folder), await rows(context)
    await deleting.delete_run(context, "first")
    assert await runs.list_runs(context) == []
    assert not folder.exists()
    await trash.restore(context, "first")
    assert files(folder) == before
    assert await rows(context) == kept


async def test_what_is_served_or_at_work_stays(context: Context) -> None:
    await made(context)
    await made(context, "busy", "running")
    await serve(context, "first", 10)
    for refused in (
        deleting.delete_checkpoint(context, "first:10"),
        deleting.delete_run(context, "first"),
        deleting.rename_run(context, "first", "second"),
    ):
        with pytest.raises(Conflict, match="serve"):
            await refused
    for living in (
        deleting.delete_checkpoint(context, "busy:10"),
        deleting.delete_run(context, "busy"),
        deleting.rename_run(context, "busy", "second"),
    ):
        with pytest.raises(Conflict, match="busy is running"):
            await living
    await deleting.delete_checkpoint(context, "first:20")


async def test_a_place_that_is_taken_is_not_overwritten(context: Context) -> None:
    await made(context)
    await deleting.delete_run(context, "first")
    folder = await made(context)
    before = files(folder)
    with pytest.raises(Conflict, match="cannot be brought back"):
        await trash.restore(context, "first")
    assert files(folder) == before
    assert len(list(context.paths.trash.iterdir())) == 1
    with pytest.raises(NotFound, match="no 'nobody' in the trash"):
        await trash.restore(context, "nobody")


async def test_the_trash_is_emptied_after_its_time(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(context)
    await deleting.delete_run(context, "first")
    assert not store.expire(context.paths)
    assert [one.name for one in await trash.everything(context)] == ["first"]
    monkeypatch.setattr(store, "KEPT_S", -1.0)
    assert store.expire(context.paths)
    assert not list(context.paths.trash.iterdir())


async def test_what_is_in_it_is_told_and_emptied_by_name(context: Context) -> None:
    folder = await made(context)
    (folder / "big").write_bytes(bytes(300_000))
    await deleting.delete_checkpoint(context, "first:20")
    await deleting.delete_run(context, "first")
    run, point = await trash.everything(context)
    assert [(one.kind, one.name, one.project) for one in (run, point)] == [
        ("run", "first", "default"),
        ("checkpoint", "first:20", "default"),
    ]
    assert run.size > 300_000 > point.size > 0
    days = datetime.fromisoformat(run.gone) - datetime.fromisoformat(run.thrown)
    assert days.days == wire.TRASH_DAYS
    with pytest.raises(NotFound, match="no 'second' in the trash"):
        await trash.empty(context, "second")
    assert [one.name for one in await trash.empty(context, point.id)] == ["first:20"]
    assert [one.name for one in await trash.empty(context)] == ["first"]
    assert await trash.empty(context) == []
    assert not list(context.paths.trash.iterdir())


async def test_numbers_that_were_given_again_keep_nothing_from_coming_back(context: Context) -> None:
    folder = await made(context)
    before = files(folder)
    await deleting.delete_run(context, "first")
    await made(context, "next")
    await trash.restore(context, "first")
    assert files(folder) == before
    assert {one.run for one in await runs.list_runs(context)} == {"first", "next"}
    assert (await runs.get(context, "first")).best_checkpoint == "first:20"
    assert len(await context.db.fetch_all("SELECT 1 FROM metrics")) == 2


async def test_a_checkpoint_comes_back_to_its_run_whatever_that_is_called(context: Context) -> None:
    await made(context)
    await deleting.delete_checkpoint(context, "first:30")
    await deleting.rename_run(context, "first", "second")
    await trash.restore(context, "first:30")
    point = await catalog.resolve(context, "second:30")
    assert (Path(point.path) / "adapter_model.safetensors").read_bytes() == bytes(30)
    await deleting.delete_checkpoint(context, "second:10")
    await deleting.delete_run(context, "second")
    await made(context, "third")
    await context.db.execute("UPDATE runs SET created = '2026-02-02'")
    with pytest.raises(Conflict, match="its run is gone"):
        await trash.restore(context, "second:10")
    await trash.restore(context, "second")
    await trash.restore(context, "second:10")
    assert {one.id for one in await catalog.list_checkpoints(context) if one.run == "second"} == {
        "second:10",
        "second:20",
        "second:30",
    }


async def test_what_an_older_version_threw_away_comes_back(context: Context) -> None:
    folder = await made(context)
    before = files(folder)
    row = await context.db.fetch_one("SELECT * FROM checkpoints WHERE step = 20")
    assert row is not None
    old = context.paths.trash / "1700000000000000000-first:20"
    old.mkdir()
    (old / "rows.json").write_text(json.dumps({"home": row["path"], "rows": {"checkpoints": [dict(row)]}}))
    await context.db.execute("DELETE FROM checkpoints WHERE step = 20")
    Path(row["path"]).rename(old / "content")
    assert [(one.kind, one.name) for one in await trash.everything(context)] == [("checkpoint", "first:20")]
    await trash.restore(context, "first:20")
    assert files(folder) == before


async def test_a_run_is_renamed_everywhere(context: Context) -> None:
    folder = await made(context)
    renamed = await deleting.rename_run(context, "first", "second")
    assert (renamed.run, renamed.best_checkpoint) == ("second", "second:20")
    assert not folder.exists()
    point = await catalog.resolve(context, "second:30")
    assert (Path(point.path) / "adapter_model.safetensors").exists()
    assert json.loads((context.paths.runs / "second" / "job.json").read_text()) == {"run": "second"}
    await made(context)
    with pytest.raises(Conflict, match="already"):
        await deleting.rename_run(context, "first", "second")
    for name in ("", "a/b", "..", "x" * 31):
        with pytest.raises(BadRequest):
            await deleting.rename_run(context, "first", name)


async def test_what_taught_a_checkpoint_is_listed(context: Context) -> None:
    folder = await made(context)
    assert await lineage.files(context, "first:10") == [
        wire.TaughtFile(path="a.py", sha256="ab" * 32, set="train"),
        wire.TaughtFile(path="b.py", sha256="cd" * 32, set="test"),
    ]
    (folder / "manifest.jsonl").unlink()
    with pytest.raises(NotFound, match="is missing"):
        await lineage.files(context, "first:10")
