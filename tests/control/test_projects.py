"""Projects beside each other: nothing of one is seen, judged or lost in another."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend import projects, wire
from backend.context import DEFAULT, Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.scan import changes, logs, results, run
from backend.sources import catalog, upload
from tests.scan.test_scan_flow import bring, check_totals, scanned


def code(folder: Path, word: str) -> Path:
    """Eight files, told from another project's by a word."""
    folder.mkdir(parents=True)
    for number in range(8):
        lines = (f"def {word}_{number}_{line}(value):\n    return value.{word}_{line}\n\n" for line in range(30))
        (folder / f"{word}{number}.py").write_text("".join(lines))
    return folder


async def paths(ctx: Context) -> set[str]:
    return {row.path for row in (await results.page(ctx)).rows}


async def two(ctx: Context, tmp_path: Path) -> Context:
    """A scanned default project and a scanned project `other`, each with a source called `code`."""
    await bring(ctx, code(tmp_path / "a" / "code", "first"))
    await scanned(ctx)
    await projects.add(ctx, "other")
    await bring(ctx, code(tmp_path / "b" / "code", "second"))
    await scanned(ctx)
    return ctx.inside(projects.number_of(ctx, "other"))


async def test_each_has_its_own_sources_and_scan(context: Context, tmp_path: Path) -> None:
    other = await two(context, tmp_path)
    assert [(one.name, one.shown, one.sources, one.files) for one in await projects.list_projects(context)] == [
        ("default", False, 1, 8),
        ("other", True, 1, 8),
    ]
    assert await paths(context) == {f"second{number}.py" for number in range(8)}
    shown = await projects.use(context, "default")
    assert shown.shown
    assert await paths(context) == {f"first{number}.py" for number in range(8)}
    assert await paths(other) == {f"second{number}.py" for number in range(8)}
    assert (await catalog.get(context, "code")).location != (await catalog.get(other, "code")).location
    first = await run.current(context)
    assert first is not None
    check_totals(first)
    assert first.files == 8


async def test_a_mask_of_one_does_not_touch_another(context: Context, tmp_path: Path) -> None:
    other = await two(context, tmp_path)
    await changes.apply(context, wire.ScanSettings(exclude=["*.py"]))
    assert {row.reason for row in (await results.page(other)).rows} == {"excluded_by_mask"}
    default = context.inside(DEFAULT)
    assert {row.reason for row in (await results.page(default)).rows} == {None}
    await context.pauses.flush()
    assert "second0.py" in logs.path_of(other, "rejected").read_text()
    assert "first0.py" in logs.path_of(default, "accepted").read_text()
    assert logs.path_of(default, "accepted").name == "accepted.log"


async def test_duplicates_are_looked_for_in_one_project_only(context: Context, tmp_path: Path) -> None:
    await bring(context, code(tmp_path / "a" / "code", "same"))
    await scanned(context)
    await projects.add(context, "other")
    text = (tmp_path / "a" / "code" / "same0.py").read_text()
    near = code(tmp_path / "b" / "code", "else")
    (near / "copy.py").write_text(text)
    (near / "nearly.py").write_text(text + "print('nearly')\n")
    await bring(context, near)
    await scanned(context)
    found = {row.path: row.detail for row in (await results.page(context, verdict="rejected")).rows}
    assert list(found) == ["nearly.py"]
    assert "of copy.py" in found["nearly.py"]


async def test_a_scan_stays_with_its_project_whatever_is_shown(context: Context, tmp_path: Path) -> None:
    await bring(context, code(tmp_path / "a" / "code", "first"))
    scan = await run.start(context, wire.StartScan(stage=1))
    await projects.add(context, "other")
    last = context.bus.last_id
    assert scan.job is not None
    job = await context.jobs.wait(scan.job)
    assert (job.state, job.project) == ("done", "default")
    assert await run.current(context) is None, "the new project has no scan"
    done = await run.current(context.inside(DEFAULT))
    assert done is not None
    assert (done.state, done.files) == ("done", 8)
    context.bus.close()
    events = [event async for event in context.bus.follow(last)]
    assert {event.kind for event in events} == {"job"}, "nobody who looks at `other` is told of it as theirs"


async def test_removing_one_keeps_the_others(context: Context, tmp_path: Path) -> None:
    other = await two(context, tmp_path)
    await context.db.execute(
        "INSERT INTO runs(project_id, name, model, state, wanted, settings, plan, created) "
        "VALUES (?, 'hours', 'starter', 'done', 'running', '{}', '{}', '2026-01-01')",
        (other.project,),
    )
    with pytest.raises(BadRequest, match="always there"):
        await projects.remove(context, "default")
    await projects.remove(context, "other")
    assert [(one.name, one.shown, one.runs) for one in await projects.list_projects(context)] == [("default", True, 1)]
    assert await paths(context) == {f"first{number}.py" for number in range(8)}
    left = await context.db.fetch_all("SELECT project_id, COUNT(*) AS files FROM files GROUP BY 1")
    assert [tuple(row) for row in left] == [(DEFAULT, 8)]
    assert (tmp_path / "b" / "code" / "second0.py").exists()


async def test_one_that_is_at_work_is_not_removed(context: Context, tmp_path: Path) -> None:
    await projects.add(context, "other")
    await bring(context, code(tmp_path / "code", "first"))
    scan = await run.start(context, wire.StartScan(stage=1))
    with pytest.raises(Conflict, match="other is at work: scan"):
        await projects.remove(context, "other")
    assert scan.job is not None
    await context.jobs.wait(scan.job)
    await projects.remove(context, "other")


async def test_uploads_of_a_project_that_is_not_shown_outlive_the_engine(context: Context) -> None:
    await projects.add(context, "other")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"def sent():\n    return 1\n"

    source = await upload.receive(context, "sent.py", "auto", pieces())
    assert source.job is not None
    await context.jobs.wait(source.job)
    await projects.use(context, "default")
    await upload.clear(context)
    assert Path(source.location).exists()


async def test_the_shown_project_is_remembered(context: Context) -> None:
    await projects.add(context, "other")
    context.projects.shown = DEFAULT
    context.projects.names.clear()
    await projects.restore(context)
    assert (context.project_name, context.projects.names) == ("other", {1: "default", context.project: "other"})


@pytest.mark.parametrize("name", ["", "..", "-x", "a b", "a/b", "x" * 41, "a\x1b[2J", "../../etc"])
async def test_names_that_cannot_be(context: Context, name: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a project's name"):
        await projects.add(context, name)


async def test_names_are_taken_once_and_must_exist(context: Context) -> None:
    await projects.add(context, "other")
    with pytest.raises(Conflict, match="already"):
        await projects.add(context, "other")
    with pytest.raises(NotFound, match="no project called 'third'"):
        await projects.use(context, "third")
