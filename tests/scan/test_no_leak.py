"""No near-duplicate of a held-out file is left to train on, whatever is masked, included or moved to another set."""

from pathlib import Path

from backend import wire
from backend.context import Context
from backend.scan import changes, results
from backend.scan.duplicates import SIMILAR, jaccard, telling
from backend.sources import catalog
from tests.scan.test_scan_flow import bring, check_totals, reasons, sample, scanned

IN_COMMON = "has a near-duplicate in common with later/0.py"


def program(name: str, lines: int = 60) -> list[str]:
    return [f"def {name}_{line}(value):\n    return value.{name}_{line} + {name}" for line in range(lines)]


def near(name: str, number: int) -> str:
    """One of a family, each nearly the same as every other."""
    return "\n".join([*program(name), f"def only_{number}():\n    pass", ""])


async def check_no_leak(ctx: Context) -> None:
    """Compare every accepted file of the one set with every one of the other, line by line."""
    texts: dict[str, list[tuple[str, frozenset[str]]]] = {"train": [], "test": []}
    for row in (await results.page(ctx, verdict="accepted")).rows:
        lines = telling((await results.preview(ctx, row.id)).text)
        texts[row.set or ""].append((f"{row.source}:{row.path}", lines))
    assert texts["train"] and texts["test"]
    for path, lines in texts["test"]:
        for other, others in texts["train"]:
            assert jaccard(lines, others) < SIMILAR, f"{path} is tested on, {other} trained on"


async def test_between_a_test_source_and_a_train_source(context: Context, tmp_path: Path) -> None:
    for name, number in (("learn", 1), ("exam", 2)):
        sample(tmp_path / name)
        (tmp_path / name / "near.py").write_text(near("family", number))
    await bring(context, tmp_path / "learn", set="train")
    await bring(context, tmp_path / "exam", set="test")
    (tmp_path / "learn" / "own.py").write_text("\n".join(program("own")))
    check_totals(await scanned(context))
    rows = {(row.source, row.path): row for row in (await results.page(context)).rows}
    assert rows["exam", "near.py"].set == "test"
    assert rows["learn", "near.py"].detail == "near-duplicate (0.98) of near.py in exam"
    await check_no_leak(context)


async def test_a_set_that_is_changed_after_the_scan(context: Context, tmp_path: Path) -> None:
    for name, number in (("learn", 1), ("exam", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "near.py").write_text(near("family", number))
        (tmp_path / name / f"{name}.py").write_text("\n".join(program(name)))
        await bring(context, tmp_path / name, set="train")
    await scanned(context)
    await catalog.set_set(context, "exam", "test")
    await changes.apply(context, wire.ScanSettings(exclude=["nothing"]))  # judged anew, but not scanned
    await check_no_leak(context)


async def test_where_the_first_of_a_family_is_masked(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    sample(folder)
    for number in range(5):
        (folder / f"a{number}.py").write_text(near("family", number))
    await bring(context, folder)
    await scanned(context)
    for masked in range(4):
        exclude = [f"a{number}.py" for number in range(masked + 1)]
        scan = await changes.apply(context, wire.ScanSettings(exclude=exclude))
        assert scan is not None
        check_totals(scan)
        found = await reasons(context)
        assert [found[f"a{number}.py"] for number in range(masked + 1, 5)] == [None, *["duplicate"] * (3 - masked)]


async def test_a_family_too_large_to_compare_every_pair(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    sample(folder)
    for kind, files in (("all", 60), ("later", 20)):
        (folder / kind).mkdir()
        for number in range(files):
            (folder / kind / f"{number}.py").write_text(near("family", number if kind == "all" else 100 + number))
    await bring(context, folder)
    await scanned(context)
    await changes.apply(context, wire.ScanSettings(exclude=["all/"]))
    rows = [row for row in (await results.page(context)).rows if row.path.startswith("later/")]
    assert [row.path for row in rows if row.verdict == "accepted"] == ["later/0.py"]
    assert {row.detail.partition(" (")[0] for row in rows} >= {"near-duplicate", IN_COMMON}


async def test_vendored_files_that_a_mask_brings_in(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    sample(folder)
    (folder / "vendor").mkdir()
    (folder / "vendor" / "copy.py").write_text(near("family", 1))
    (folder / "zz.py").write_text(near("family", 2))
    await bring(context, folder)
    await scanned(context)
    assert (await reasons(context))["vendor/copy.py"] == "vendored"
    await changes.apply(context, wire.ScanSettings(include=["vendor/"]))
    found = await reasons(context)
    assert (found["vendor/copy.py"], found["zz.py"]) == (None, "duplicate")
