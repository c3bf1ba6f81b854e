"""Sources, projects, models and pinned servers that were removed come back as they were, or say why they cannot."""

from pathlib import Path
from typing import Any

import pytest

from backend import projects, settings, trash, wire
from backend.context import DEFAULT, Context
from backend.errors import Conflict, NotFound
from backend.models import records as models
from backend.models import removal as leaving
from backend.paths import Paths
from backend.scan import changes, results, run
from backend.sources import catalog, hosts, removal
from backend.store import trash as store
from tests.control.test_projects import code, two
from tests.scan.conftest import context
from tests.scan.test_scan_flow import bring, scanned

__all__ = ["context"]

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
"""Of github.com, as it is published."""


async def verdicts(ctx: Context) -> list[tuple[Any, ...]]:
    rows = await ctx.db.fetch_all(
        "SELECT s.name, f.path, f.verdict, f.reason, f.by_hand, f.set_name, f.sha256 FROM files f "
        "JOIN sources s ON s.id = f.source_id ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_a_source_comes_back_with_its_verdicts(context: Context, tmp_path: Path) -> None:
    await bring(context, code(tmp_path / "a" / "code", "first"))
    await scanned(context)
    for was in ("auto", "exclude"):
        done = await changes.by_hand(context, wire.ByHand(what="exclude", paths=["first3.py"]))
        assert done.before == [was], "so that it can be taken back to what it was"
    before, kept = await catalog.get(context, "code"), await verdicts(context)
    scan = await run.current(context)
    await removal.remove(context, "code")
    assert await catalog.list_sources(context) == [] and await verdicts(context) == []
    (one,) = await trash.everything(context)
    assert (one.kind, one.name, one.project) == ("source", "code", "default")
    await trash.restore(context, "code", "source")
    assert (await catalog.get(context, "code"), await verdicts(context)) == (before, kept)
    assert await run.current(context) == scan
    assert await trash.everything(context) == [] and not list(context.paths.trash.iterdir())
    assert (await scanned(context)).accepted == 7, "the next scan finds what it knew"
    (tmp_path / "a" / "code" / "first5.py").unlink()
    again = await catalog.sync(context, "code")
    await context.jobs.wait(again.job or 0)
    assert (await scanned(context)).files == 7, "and sees what has gone since"


async def test_a_source_comes_back_beside_one_that_has_its_number(context: Context, tmp_path: Path) -> None:
    await bring(context, code(tmp_path / "a" / "one", "first"))
    await scanned(context)
    kept = await verdicts(context)
    old = await catalog.get(context, "one")
    await removal.remove(context, "one")
    await bring(context, code(tmp_path / "b" / "two", "second"))
    assert (await catalog.get(context, "two")).id == old.id, "numbers are given again"
    await trash.restore(context, "one")
    back = await catalog.get(context, "one")
    assert (back.id, back.files, back.accepted, back.state) == (old.id + 1, 8, 8, "ready")
    assert await verdicts(context) == kept
    assert (await scanned(context)).files == 16


async def test_files_of_a_repository_and_what_was_sent_come_back(context: Context, tmp_path: Path) -> None:
    sent = context.paths.uploads / "ab12"
    sent.mkdir(parents=True)
    (sent / "main.py").write_text("def sent():\n    return 1\n")
    added = await catalog.add(context, wire.AddSource(what=str(sent / "main.py"), name="main"))
    await context.jobs.wait(added.job or 0)
    clone = context.paths.sources / f"{added.id}.git"
    clone.mkdir()
    (clone / "HEAD").write_text("ref: refs/heads/main\n")
    await removal.remove(context, "main")
    assert not sent.exists() and not clone.exists()
    await trash.restore(context, "main")
    assert (sent / "main.py").exists() and (clone / "HEAD").exists()


async def test_a_taken_name_or_a_project_that_is_gone_keeps_it_in_the_trash(context: Context, tmp_path: Path) -> None:
    other = await two(context, tmp_path)
    await removal.remove(other, "code")
    await bring(other, code(tmp_path / "c" / "code", "third"))
    with pytest.raises(Conflict, match="There is a source called 'code' already"):
        await trash.restore(other, "code")
    assert len(await trash.everything(context)) == 1
    await removal.remove(other, "code")
    await projects.remove(context, "other")
    with pytest.raises(Conflict, match="belongs to the project other, which is gone"):
        await trash.restore(context, "code")
    with pytest.raises(NotFound, match="no 'nothing' in the trash"):
        await trash.restore(context, "nothing")
    with pytest.raises(NotFound):
        await trash.restore(context, "code", "model")


async def test_a_project_comes_back_whole(context: Context, tmp_path: Path) -> None:
    other = await two(context, tmp_path)
    await changes.apply(other, wire.ScanSettings(exclude=["second1.py"]))
    for project, name in ((other.project, "hours"), (DEFAULT, "mine")):
        await context.db.execute(
            "INSERT INTO runs(project_id, name, model, state, wanted, settings, plan, created) "
            "VALUES (?, ?, 'starter', 'done', 'running', '{}', '{}', '2026-01-01')",
            (project, name),
        )
    before, scan, kept = await projects.get(context, "other"), await run.current(other), await verdicts(context)
    await projects.remove(context, "other")
    await projects.add(context, "between")  # takes its number
    await projects.use(context, "default")
    assert [one.kind for one in await trash.everything(context)] == ["project", "source"]
    await trash.restore(context, "other")
    assert await projects.get(context, "other") == before, "and it is shown, as it was"
    back = context.inside(projects.number_of(context, "other"))
    assert back.project != other.project
    assert await verdicts(context) == kept
    found = await run.current(back)
    assert found is not None and scan is not None
    assert (found.accepted, found.rejected, found.reasons) == (scan.accepted, scan.rejected, scan.reasons)
    assert (await settings.get(context.db, back.setting("scan.settings")))["exclude"] == ["second1.py"]
    assert {row.path for row in (await results.page(back, verdict="rejected")).rows} == {"second1.py"}
    owners = {row["name"]: row["project_id"] for row in await context.db.fetch_all("SELECT * FROM runs")}
    assert owners == {"hours": back.project, "mine": DEFAULT}
    assert await trash.everything(context) == []
    assert (await scanned(back)).files == 8
    await projects.remove(context, "other")
    await projects.add(context, "other")
    with pytest.raises(Conflict, match="There is a project called 'other' already"):
        await trash.restore(context, "other", "project")


async def test_a_model_comes_back_without_being_downloaded(context: Context) -> None:
    folder = context.paths.models / "acme--tiny"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(1000))
    row = models.Row(
        name="acme/tiny", kind="hub", location="acme/tiny", revision="main", commit_sha="ab", path=str(folder),
        family=None, credential=None, allow_pickle=False, trust_remote_code=False, state="stopped", detail="",
        found=None, added="2026-01-01",
    )  # fmt: skip
    await models.write(context, row)
    await context.db.execute("INSERT INTO losses VALUES ('ab', 'acme/tiny', 512, 'a', 1.5, 9, x'00')")
    await settings.set(context.db, "train.tokens_per_s.acme/tiny", 12.5)
    await leaving.remove(context, "acme/tiny")
    assert not folder.exists() and await models.row_of(context, "acme/tiny") is None
    assert await context.db.fetch_all("SELECT * FROM losses") == []
    await models.write(context, row)
    with pytest.raises(Conflict, match="There is a model called 'acme/tiny' already"):
        await trash.restore(context, "acme/tiny")
    await context.db.execute("DELETE FROM models")
    await trash.restore(context, "acme/tiny")
    assert await models.row_of(context, "acme/tiny") == row
    assert (folder / "model.safetensors").read_bytes() == bytes(1000)
    assert [tuple(one) for one in await context.db.fetch_all("SELECT model, loss, lines FROM losses")] == [
        ("acme/tiny", 1.5, b"\x00")
    ]
    assert await settings.get(context.db, "train.tokens_per_s.acme/tiny") == 12.5


async def test_a_forgotten_server_is_pinned_again(context: Context) -> None:
    lines = f"github.com ssh-ed25519 {KEY}\nother.org ssh-ed25519 {KEY}"
    context.paths.known_hosts.write_text(lines)
    await catalog.add(context, wire.AddSource(what="git@github.com:acme/billing.git", name="billing"))
    await removal.forget_host(context, "github.com")
    assert set(hosts.pinned(context.paths)) == {"other.org"}
    await trash.restore(context, "github.com")
    assert set(hosts.pinned(context.paths)) == {"github.com", "other.org"}
    assert (await catalog.get(context, "billing")).host_key == hosts.digest(KEY)
    await removal.forget_host(context, "github.com")
    with context.paths.known_hosts.open("a") as file:
        file.write(f"github.com ssh-ed25519 {KEY}\n")
    with pytest.raises(Conflict, match=r"A key is pinned for github\.com already"):
        await trash.restore(context, "github.com")
    with pytest.raises(NotFound, match="No key is pinned"):
        await removal.forget_host(context, "nobody.org")


async def test_a_column_that_is_gone_since_keeps_nothing_from_coming_back(context: Context, tmp_path: Path) -> None:
    await bring(context, code(tmp_path / "a" / "code", "first"))
    await scanned(context)
    await context.db.execute("ALTER TABLE files ADD COLUMN older TEXT")
    await removal.remove(context, "code")
    await context.db.execute("ALTER TABLE files DROP COLUMN older")
    await trash.restore(context, "code")
    assert len(await verdicts(context)) == 8


def test_what_was_half_thrown_away_is_not_offered(tmp_path: Path) -> None:
    home = Paths(tmp_path)
    (home.trash / "123-half" / "content").mkdir(parents=True)
    (home.trash / "notes.txt").write_text("somebody's own")
    assert store.everything(home) == []
    store.expire(home)
    assert [one.name for one in home.trash.iterdir()] == ["notes.txt"]
