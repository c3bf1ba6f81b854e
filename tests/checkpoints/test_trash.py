"""What is deleted comes back whole; what is served or at work stays; names change everywhere at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.checkpoints import catalog, lineage, trash
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
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
    await trash.delete_checkpoint(context, "first:20")
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
    await trash.delete_run(context, "first")
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
        trash.delete_checkpoint(context, "first:10"),
        trash.delete_run(context, "first"),
        trash.rename_run(context, "first", "second"),
    ):
        with pytest.raises(Conflict, match="serve"):
            await refused
    for living in (
        trash.delete_checkpoint(context, "busy:10"),
        trash.delete_run(context, "busy"),
        trash.rename_run(context, "busy", "second"),
    ):
        with pytest.raises(Conflict, match="busy is running"):
            await living
    await trash.delete_checkpoint(context, "first:20")


async def test_a_place_that_is_taken_is_not_overwritten(context: Context) -> None:
    await made(context)
    await trash.delete_run(context, "first")
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
    await trash.delete_run(context, "first")
    await trash.empty(context)
    assert len(list(context.paths.trash.iterdir())) == 1
    monkeypatch.setattr(trash, "KEPT_S", -1.0)
    await trash.empty(context)
    assert not list(context.paths.trash.iterdir())


async def test_a_run_is_renamed_everywhere(context: Context) -> None:
    folder = await made(context)
    renamed = await trash.rename_run(context, "first", "second")
    assert (renamed.run, renamed.best_checkpoint) == ("second", "second:20")
    assert not folder.exists()
    point = await catalog.resolve(context, "second:30")
    assert (Path(point.path) / "adapter_model.safetensors").exists()
    assert json.loads((context.paths.runs / "second" / "job.json").read_text()) == {"run": "second"}
    await made(context)
    with pytest.raises(Conflict, match="already"):
        await trash.rename_run(context, "first", "second")
    for name in ("", "a/b", "..", "x" * 31):
        with pytest.raises(BadRequest):
            await trash.rename_run(context, "first", name)


async def test_what_taught_a_checkpoint_is_listed(context: Context) -> None:
    folder = await made(context)
    assert await lineage.files(context, "first:10") == [
        wire.TaughtFile(path="a.py", sha256="ab" * 32, set="train"),
        wire.TaughtFile(path="b.py", sha256="cd" * 32, set="test"),
    ]
    (folder / "manifest.jsonl").unlink()
    with pytest.raises(NotFound, match="is missing"):
        await lineage.files(context, "first:10")
