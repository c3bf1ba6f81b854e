"""From a folder to accepted files, through the real child process; stage 2 on the model that ships."""

import asyncio
import random
from pathlib import Path

import pytest

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.models.catalog import starter_folder
from backend.scan import changes, results, run, settings
from backend.sources import catalog, removal

HAS_STARTER = (starter_folder() / "model.safetensors").is_file()


def sample(folder: Path) -> None:
    """Twelve good files and one for each reason."""
    folder.mkdir()
    for number in range(12):
        body = "".join(f"def method_{number}_{line}(value):\n    return value.field_{line}\n\n" for line in range(60))
        (folder / f"good{number}.py").write_text(body)
    (folder / "twin.py").write_text((folder / "good0.py").read_text())
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n" + bytes(100))
    (folder / "huge.py").write_text("value = 'x'\n" * 60_000)
    (folder / "numbers.py").write_text("".join(f"{random.Random(line).randrange(10**9)},\n" for line in range(200)))
    (folder / "notes.unknownext").write_text("nothing\n")
    (folder / "README.md").write_text("# Words\n")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "index.js").write_text("module.exports = 1;\n")


async def bring(ctx: Context, what: Path, **more: object) -> wire.Source:
    source = await catalog.add(ctx, wire.AddSource(what=str(what), **more))  # type: ignore[arg-type]
    assert source.job is not None
    await ctx.jobs.wait(source.job)
    return await catalog.get(ctx, source.name)


async def scanned(ctx: Context, stage: int = 1) -> wire.Scan:
    scan = await run.start(ctx, wire.StartScan(stage=stage))  # type: ignore[arg-type]
    assert scan.job is not None
    job = await ctx.jobs.wait(scan.job)
    newest = await run.current(ctx)
    assert newest is not None
    assert job.state == newest.state, newest.detail
    return newest


def check_totals(scan: wire.Scan) -> None:
    assert scan.files == scan.accepted + scan.rejected
    assert scan.accepted == scan.train + scan.test
    assert scan.rejected == sum(scan.reasons.values())
    assert scan.accepted == sum(scan.languages.values())


async def reasons(ctx: Context) -> dict[str, str | None]:
    return {row.path: row.reason for row in (await results.page(ctx)).rows}


async def test_every_file_has_one_place_and_a_reason(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "code")
    source = await bring(context, tmp_path / "code")
    assert (source.state, source.files, source.kind) == ("ready", 19, "folder")
    scan = await scanned(context)
    check_totals(scan)
    assert (scan.state, scan.files, scan.accepted) == ("done", 19, 12)
    assert await reasons(context) == {
        **{f"good{number}.py": None for number in range(12)},
        "twin.py": "duplicate",
        "logo.png": "not_text",
        "huge.py": "too_large",
        "numbers.py": "lots_of_digits",
        "notes.unknownext": "not_code",
        "README.md": "type_off",
        "node_modules/index.js": "generated",
    }
    assert (await catalog.get(context, "code")).accepted == 12
    twin = (await results.page(context, reason="duplicate")).rows[0]
    assert twin.detail == "same content as good0.py"
    preview = await results.preview(context, twin.id)
    assert preview.text.startswith("def method_0_0")
    png = (await results.page(context, reason="not_text")).rows[0]
    assert "binary" in (await results.preview(context, png.id)).note
    files = await results.accepted(context)
    assert {file.set for file in files} == {"train", "test"} and len(files) == 12


async def test_changes_are_found_and_settings_need_no_reading(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    sample(folder)
    await bring(context, folder)
    await scanned(context)
    before = {row.path: row.id for row in (await results.page(context)).rows}
    (folder / "good1.py").unlink()
    (folder / "good2.py").write_text("def changed():\n    return 1\n")
    include = ["README.md", "numbers.py", "logo.png"]
    await settings.write(context, wire.ScanSettings(exclude=["good3.py"], include=include))
    scan = await scanned(context)
    check_totals(scan)
    found = await reasons(context)
    assert "good1.py" not in found and found["good3.py"] == "excluded_by_mask"
    assert found["README.md"] is None and found["numbers.py"] is None and found["logo.png"] == "not_text"
    after = {row.path: row.id for row in (await results.page(context)).rows}
    assert all(before[path] == number for path, number in after.items())


async def test_near_duplicates_and_secrets(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    sample(folder)
    close = (folder / "good0.py").read_text() + "def one_more():\n    pass\n"
    (folder / "good0_more.py").write_text(close)
    (folder / "leak.py").write_text("TOKEN = 'gh" + "p_R7kQ2mZx9Lw4TnV8bYc3HsD6fGj2PaE5uKrW'\n")
    await bring(context, folder)
    scan = await scanned(context)
    check_totals(scan)
    found = {row.path: (row.reason, row.detail) for row in (await results.page(context, verdict="rejected")).rows}
    assert found["good0_more.py"] == ("duplicate", "near-duplicate (0.98) of good0.py")
    assert found["leak.py"] == ("secrets", "it holds a secret on line 1: GitHub Token")
    leak = next(row for row in (await results.page(context)).rows if row.path == "leak.py")
    assert (await results.preview(context, leak.id)).text == ""
    without = await changes.apply(context, wire.ScanSettings(exclude=["good0.py"]))
    assert without is not None
    check_totals(without)
    assert (await reasons(context))["good0_more.py"] is None  # its twin is out, so it may stay
    again = await scanned(context)
    assert (again.accepted, again.reasons) == (without.accepted, without.reasons)


async def test_two_sources_sets_and_removal(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "one")
    sample(tmp_path / "two")
    (tmp_path / "two" / "extra.py").write_text("def extra():\n    pass\n")
    await bring(context, tmp_path / "one")
    await bring(context, tmp_path / "two", set="test")
    scan = await scanned(context)
    check_totals(scan)
    rows = (await results.page(context, source="two", verdict="accepted")).rows
    assert {row.set for row in rows} == {"test"} and len(rows) == 13
    assert (await results.page(context, source="one", verdict="accepted")).total == 0
    assert "same content as good1.py in two" in {row.detail for row in (await results.page(context, source="one")).rows}
    await catalog.set_set(context, "two", "train")
    await removal.remove(context, "one")
    scan = await scanned(context)
    check_totals(scan)
    assert (scan.files, scan.test) == (20, 0)


async def test_pages_walk_every_row_once(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "code")
    await bring(context, tmp_path / "code")
    await scanned(context)
    seen: list[int] = []
    after = None
    while True:
        page = await results.page(context, limit=4, after=after)
        assert page.total == 19
        seen += [row.id for row in page.rows]
        if (after := page.after) is None:
            break
    assert len(seen) == len(set(seen)) == 19
    assert (await results.page(context, limit=4, offset=4)).rows[0].id == seen[4]
    assert (await results.page(context, text="good*.py source:code")).total == 12
    assert (await results.page(context, text="reason:duplicate twin")).total == 1
    assert (await results.page(context, text="size>500000")).total == 1
    with pytest.raises(BadRequest):
        await results.page(context, text="loss>x")
    with pytest.raises(NotFound):
        await results.preview(context, 10**6)


async def test_refusals_in_words(context: Context, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no sources"):
        await run.start(context, wire.StartScan(stage=1))
    (tmp_path / "x.py").write_text("x = 1\n")
    await bring(context, tmp_path / "x.py")
    with pytest.raises(Conflict, match=r"x\.py"):
        await catalog.add(context, wire.AddSource(what=str(tmp_path / "x.py")))
    with pytest.raises(BadRequest, match="no branches"):
        await catalog.add(context, wire.AddSource(what=str(tmp_path / "x.py"), name="y", branch="main"))
    with pytest.raises(NotFound):
        await catalog.sync(context, "nothing")
    (tmp_path / "x.py").unlink()
    await catalog.sync(context, "x.py")
    job = max(job.id for job in context.jobs.list())
    assert (await context.jobs.wait(job)).state == "failed"
    failed = await catalog.get(context, "x.py")
    assert failed.state == "failed" and "any more" in failed.detail
    scan = await scanned(context)
    assert scan.state == "failed" and "None of the sources" in scan.detail


async def test_nothing_accepted_says_why(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(b"\x89PNG" + bytes([number]) * 9)
    await bring(context, folder)
    assert (await scanned(context)).detail == "0 of 3 files accepted: 3 not_text; nothing to train on."


async def test_a_stopped_scan_is_stopped_and_a_recovered_one_ends(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "code")
    await bring(context, tmp_path / "code")
    scan = await run.start(context, wire.StartScan(stage=1))
    assert scan.job is not None
    assert (await run.start(context, wire.StartScan(stage=1))).id == scan.id
    await asyncio.sleep(0.05)
    await context.jobs.stop(scan.job)
    await context.jobs.wait(scan.job)
    stopped = await run.current(context)
    assert stopped is not None and stopped.state == "stopped"
    await context.db.execute("UPDATE scans SET state = 'running' WHERE id = ?", (scan.id,))
    await run.recover(context)
    await context.jobs.wait(max(job.id for job in context.jobs.list()))
    again = await run.current(context)
    assert again is not None and (again.id, again.state, again.accepted) == (scan.id, "done", 12)
    check_totals(again)


@pytest.mark.skipif(not HAS_STARTER, reason="the starter's weights are not there")
async def test_stage_two_gives_every_accepted_file_a_loss_and_caches_it(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "code")
    (tmp_path / "code" / "empty.py").write_text("")
    await bring(context, tmp_path / "code")
    await settings.write(context, wire.ScanSettings(threshold=50.0))
    scan = await scanned(context, 2)
    check_totals(scan)
    rows = (await results.page(context, verdict="accepted")).rows
    assert rows and all(isinstance(row.loss, float) for row in rows)
    assert (await results.page(context, reason="filter_empty")).rows[0].path == "empty.py"
    preview = await results.preview(context, rows[0].id)
    assert len(preview.line_losses) >= preview.text.count("\n")
    assert sum(scan.histogram) == len(rows) and all(file.tokens for file in await results.accepted(context))
    again = await changes.apply(context, wire.ScanSettings(threshold=0.001))  # costs no model time: no job at all
    assert again is not None
    check_totals(again)
    assert again.accepted == 0 and again.reasons["loss_too_high"] == len(rows)
    assert again.stage1_accepted == scan.stage1_accepted


async def test_a_job_that_never_began_blocks_no_later_scan(context: Context, tmp_path: Path) -> None:
    sample(tmp_path / "code")
    await bring(context, tmp_path / "code")
    await context.db.execute("UPDATE sources SET state = 'queued'")
    first = await run.start(context, wire.StartScan(stage=1))
    assert first.job is not None
    await context.jobs.stop(first.job)
    await context.jobs.wait(first.job)
    await context.db.execute("UPDATE sources SET state = 'ready'")
    await context.db.execute(
        "UPDATE scans SET summary = json_set(summary, '$.state', 'queued') WHERE id = ?", (first.id,)
    )
    scan = await scanned(context)
    assert (scan.state, scan.accepted) == ("done", 12) and scan.id != first.id
