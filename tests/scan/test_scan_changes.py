"""What a person changes after the scan: masks, languages and single files, applied at once and always adding up."""

from pathlib import Path

import pytest

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound
from backend.scan import changes, results, run, settings
from backend.scan.logs import path_of
from tests.scan.test_scan_flow import bring, check_totals, reasons, sample, scanned


@pytest.fixture
async def first(context: Context, tmp_path: Path) -> wire.Scan:
    sample(tmp_path / "code")
    (tmp_path / "code" / "tool.go").write_text("package main\n" * 20)
    await bring(context, tmp_path / "code")
    return await scanned(context)


async def test_masks_and_switches_apply_without_a_scan(context: Context, first: wire.Scan) -> None:
    jobs = len(context.jobs.list())
    wanted = wire.ScanSettings(exclude=["good1*.py"], languages_off=["Go"], include=["numbers.py"])
    found = await changes.apply(context, wanted)
    assert found is not None and len(context.jobs.list()) == jobs
    check_totals(found)
    assert found.id == first.id and found.reasons["excluded_by_mask"] == 3 and found.reasons["type_off"] == 2
    assert "lots_of_digits" not in found.reasons
    assert await settings.read(context) == wanted
    assert len(path_of(context, "accepted").read_text().splitlines()) == first.accepted + 1  # until there is a pause
    await context.pauses.flush()
    log = path_of(context, "rejected").read_text().splitlines()
    assert (
        len(log) == found.rejected + 1 and "code\tgood1.py\tPython\texcluded_by_mask\tan exclude mask matches it" in log
    )
    assert len(path_of(context, "accepted").read_text().splitlines()) == found.accepted + 1
    back = await changes.apply(context, wire.ScanSettings())
    assert back is not None and (back.accepted, back.reasons) == (first.accepted, first.reasons)


async def test_single_files_by_hand(context: Context, first: wire.Scan) -> None:
    found = await reasons(context)
    never = [path for path, reason in found.items() if reason in ("not_text", "duplicate", "lots_of_digits")]
    done = await changes.by_hand(context, wire.ByHand(what="include", paths=["README.md", *never], source="code"))
    assert len(done.changed) == 1 and len(done.refused) == 3
    assert any("an include mask can" in sentence for sentence in done.refused)
    assert (await reasons(context))["README.md"] is None
    done = await changes.by_hand(context, wire.ByHand(what="exclude", paths=["good3.py"]))
    assert done.scan is not None
    check_totals(done.scan)
    row = (await results.page(context, text="good3.py")).rows[0]
    assert (row.reason, row.detail, row.set) == ("excluded_by_mask", "excluded by hand", None)
    again = await scanned(context)
    check_totals(again)
    assert (await reasons(context))["good3.py"] == "excluded_by_mask"
    await changes.by_hand(context, wire.ByHand(what="auto", ids=[row.id]))
    assert (await reasons(context))["good3.py"] is None


async def test_what_a_mask_would_touch(context: Context, first: wire.Scan) -> None:
    assert await changes.touched(context, ["good*.py", "!good0.py"]) == wire.Touched(files=11, accepted=11)
    assert await changes.touched(context, ["*.png"]) == wire.Touched(files=1, accepted=0)


async def test_what_cannot_be(context: Context, first: wire.Scan) -> None:
    for wrong in (
        wire.ScanSettings(threshold=-1.0),
        wire.ScanSettings(threshold=float("nan")),
        wire.ScanSettings(languages_on=["C"], languages_off=["C"]),
        wire.ScanSettings(exclude=["a"] * 501),
    ):
        with pytest.raises(BadRequest):
            await changes.apply(context, wrong)
    with pytest.raises(NotFound, match="nowhere"):
        await changes.by_hand(context, wire.ByHand(what="include", paths=["nowhere.py"]))
    with pytest.raises(BadRequest):
        await changes.by_hand(context, wire.ByHand(what="include"))
    assert await settings.read(context) == wire.ScanSettings()


async def test_not_while_a_scan_is_under_way(context: Context, first: wire.Scan) -> None:
    running = await run.start(context, wire.StartScan(stage=1))
    assert running.job is not None
    with pytest.raises(Conflict, match="under way"):
        await changes.apply(context, wire.ScanSettings())
    await context.jobs.wait(running.job)


async def test_before_the_first_scan_they_are_only_kept(context: Context) -> None:
    assert await changes.apply(context, wire.ScanSettings(exclude=["x/"])) is None
    assert (await settings.read(context)).exclude == ["x/"]
