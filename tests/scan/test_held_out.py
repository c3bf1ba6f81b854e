"""From a repository's history to the files that are held out, through the real job, scan and child process."""

from pathlib import Path

import pytest

from backend import wire
from backend.context import Context
from backend.scan import changes, results
from backend.sources import catalog, history, removal
from tests.scan.test_scan_flow import bring, check_totals, scanned
from tests.sources.private_servers import ended
from tests.sources.test_history import commit, empty

FILES = 40


def program(name: str, version: int = 0) -> str:
    return "".join(f"def {name}_{line}(value):\n    return value.{name} + {version}\n\n" for line in range(240))


def named(number: int) -> str:
    return "abcdefghij"[number // 10] + "abcdefghij"[number % 10]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Files of one commit, of which ten were changed since, one a commit."""
    folder = empty(tmp_path / "project")
    commit(folder, {f"src/{named(number)}.py": program(named(number)) for number in range(FILES)})
    for number in range(10):
        commit(folder, {f"src/{named(number)}.py": program(named(number), 1)}, 1 + number)
    return folder


async def on_test(ctx: Context) -> set[str]:
    return {row.path for row in (await results.page(ctx)).rows if row.set == "test"}


async def test_the_most_recently_changed_are_held_out(context: Context, project: Path) -> None:
    await bring(context, project)
    scan = await scanned(context)
    check_totals(scan)
    assert (scan.split, scan.test) == ("time", 4)
    assert scan.detail == f"{FILES} of {FILES} files accepted. Held out: the most recently changed."
    assert await on_test(context) == {f"src/{named(number)}.py" for number in (6, 7, 8, 9)}
    ages = {row.path: row.commits_ago for row in (await results.page(context)).rows}
    assert ages["src/aj.py"] == 0 and ages["src/aa.py"] == 9 and ages["src/ba.py"] == 10
    commit(project, {"src/da.py": program("da", 2)}, 20)
    assert (await ended(context, await catalog.sync(context, "project"))).detail.endswith("1 changed")
    assert (await scanned(context)).split == "time"  # what has not changed is not read again, but is older now
    assert await on_test(context) == {f"src/{name}.py" for name in ("da", "aj", "ai", "ah")}
    masked = await changes.apply(context, wire.ScanSettings(exclude=["da.py"]))
    assert masked is not None and masked.split == "time"
    assert await on_test(context) == {f"src/{name}.py" for name in ("aj", "ai", "ah", "ag")}


async def test_what_an_older_version_has_fetched(
    context: Context, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> str:
        return ""

    with monkeypatch.context() as older:
        older.setattr(history, "bring", nothing)
        await bring(context, project)
    scan = await scanned(context)
    assert (scan.split, scan.test, scan.detail.rpartition(". ")[2]) == ("hash", 4, "Held out: by hash.")
    by_hash = await on_test(context)
    await ended(context, await catalog.sync(context, "project"))
    assert (await scanned(context)).split == "time" and await on_test(context) != by_hash


async def test_one_commit_and_a_folder_are_split_alike_by_hash(context: Context, tmp_path: Path) -> None:
    folder = empty(tmp_path / "project")
    commit(folder, {f"{named(number)}.py": program(named(number)) for number in range(FILES)})
    await bring(context, folder)
    assert (await scanned(context)).split == "hash"
    of_commit = await on_test(context)
    await removal.remove(context, "project")
    (folder / ".git").rename(tmp_path / "away")
    await bring(context, folder)
    assert (await scanned(context)).split == "hash" and await on_test(context) == of_commit


async def test_a_subfolder_beside_a_plain_folder(context: Context, project: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for number in range(FILES, 2 * FILES):
        (tmp_path / "plain" / f"{named(number)}.py").write_text(program(named(number)))
    for number in range(5):
        commit(project, {f"other/{number}.py": f"x = {number}\n"}, 30 + number)
    await bring(context, project, subfolder="src")
    await bring(context, tmp_path / "plain")
    scan = await scanned(context)
    assert scan.split == "mixed" and "where git tells, else by hash" in scan.detail
    found = {path for path in await on_test(context) if int(path[0] in "abcd")}
    assert found == {"aj.py", "ai.py", "ah.py", "ag.py"}
