"""When each file was last changed, from real repositories: whatever their clocks, merges, renames and names are."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import wire
from backend.context import Context
from backend.sources import ages as walking
from backend.sources import catalog, credentials, git, history
from backend.sources.ages import ages
from backend.sources.fetch import fetch
from backend.sources.members import Place
from backend.sources.stream import members
from tests.sources.private_servers import TOKEN, GitOverHttps, ended
from tests.sources.test_git_sources import run
from tests.sources.test_links import certificate as certificate

NOON = 1_700_000_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return empty(tmp_path / "project")


def empty(folder: Path) -> Path:
    folder.mkdir()
    run(folder, "init", "-q", "-b", "main")
    return folder


def commit(folder: Path, files: dict[str, str], at: int = 0) -> str:
    """A commit that writes these files, `at` so many seconds after noon by the committer's clock."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", "x", "--allow-empty", at=NOON + at)
    return run(folder, "rev-parse", "HEAD")


async def fetched(clone: Path, project: Path) -> str:
    """As a source's job does it."""
    await fetch(clone, str(project), None, lambda *_: None)
    return await history.bring(clone, git.head(str(clone)), str(project), None, lambda *_: None)


def known(clone: Path, subfolder: str | None = None) -> dict[str, int | None]:
    place = Place(1, "p", "git", "", subfolder=subfolder, commit=git.head(str(clone)), clone=str(clone))
    found = ages(place)
    return {member.path: found.of(member.path) for member in members(place)}


async def told(clone: Path, project: Path, subfolder: str | None = None) -> dict[str, int | None]:
    assert await fetched(clone, project) == ""
    return known(clone, subfolder)


def blobs(folder: Path) -> int:
    own = {**git.environment(True), "GIT_DIR": str(folder)}
    listed = ["git", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]
    return subprocess.run(listed, env=own, capture_output=True, text=True, check=True).stdout.split().count("blob")


async def test_the_newest_change_counts_and_no_content_is_fetched(tmp_path: Path, project: Path) -> None:
    commit(project, {"a.py": "a1", "b.py": "b1", "src/c.py": "c1"})
    commit(project, {"a.py": "a2"}, 1)
    commit(project, {"src/c.py": "c2"}, 2)
    clone = tmp_path / "1.git"
    assert await told(clone, project) == {"a.py": 1, "b.py": 2, "src/c.py": 0}
    phases: list[str] = []
    shutil.rmtree(clone / history.FOLDER)
    assert (
        await history.bring(clone, git.head(str(clone)), str(project), None, lambda *one: phases.append(one[0])) == ""
    )
    assert "receiving objects" in phases
    assert blobs(clone / history.FOLDER) == 0 and blobs(clone) == 3
    assert known(clone, "src") == {"c.py": 0}


async def test_a_sync_knows_what_a_first_fetch_would(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "DEPTH", 4)
    commit(project, {f"{number}.py": "0" for number in range(6)})
    await fetch(tmp_path / "1.git", str(project), None, lambda *_: None)  # as an older version left it
    assert set(known(tmp_path / "1.git").values()) == {None}
    for number in range(6):
        commit(project, {f"{number}.py": "1"}, number)
        synced = await told(tmp_path / "1.git", project)
        assert synced == await told(tmp_path / f"fresh{number}.git", project)
    assert synced == {"5.py": 0, "4.py": 1, "3.py": 2, "2.py": None, "1.py": None, "0.py": None}
    run(project, "reset", "-q", "--hard", "HEAD~3")
    commit(project, {"0.py": "2"}, 9)  # a history that was written anew
    assert await told(tmp_path / "1.git", project) == await told(tmp_path / "fresh.git", project)


async def test_clocks_do_not_put_a_commit_before_what_it_was_built_on(tmp_path: Path, project: Path) -> None:
    commit(project, {"a.py": "1", "b.py": "1", "c.py": "1", "d.py": "1"})
    commit(project, {"a.py": "2"}, 10**9)  # some thirty years ahead
    commit(project, {"b.py": "2"}, 1)
    commit(project, {"c.py": "2"}, -NOON)  # 1970
    assert await told(tmp_path / "1.git", project) == {"c.py": 0, "b.py": 1, "a.py": 2, "d.py": 3}


async def test_merges(tmp_path: Path, project: Path) -> None:
    commit(project, {"a.py": "1\n2\n3\n", "b.py": "1", "c.py": "1", "both.py": "1"})
    run(project, "checkout", "-qb", "side")
    commit(project, {"a.py": "1\n2\nside\n", "b.py": "side", "both.py": "side"}, 1)
    run(project, "checkout", "-q", "main")
    commit(project, {"a.py": "main\n2\n3\n", "both.py": "main"}, 2)
    commit(project, {"c.py": "2"}, 3)
    run(project, "merge", "-q", "--no-commit", "-X", "theirs", "side")
    commit(project, {"both.py": "neither"}, 4)
    found = await told(tmp_path / "1.git", project)
    # a.py and both.py are new in the merge itself, b.py came with the branch.
    assert found == {"a.py": 0, "both.py": 0, "c.py": 1, "b.py": 3}


async def test_moving_a_folder_changes_nothing(tmp_path: Path, project: Path) -> None:
    commit(project, {"old/a.py": "a\n", "old/b.py": "b\n", "old/c.py": "c\n", "old/d.py": "d\n"})
    commit(project, {"old/b.py": "b2\n"}, 1)
    run(project, "mv", "old", "new")
    commit(project, {"new/c.py": "moved and changed\n"}, 2)
    run(project, "mv", "new/d.py", "new/e.py")
    commit(project, {}, 3)
    commit(project, {"new/d.py": "another of the old name\n"}, 4)
    found = await told(tmp_path / "1.git", project)
    assert found == {"new/d.py": 0, "new/c.py": 2, "new/b.py": 3, "new/a.py": 4, "new/e.py": 4}
    assert known(tmp_path / "1.git", "new")["d.py"] == 0


async def test_names_cannot_pass_for_anything_else(tmp_path: Path, project: Path) -> None:
    names = ["@" + "0" * 40, "M", "R100", "\n@x", "a\nb\tc", "-n", ":(top)x", "ünï", "\x1b[2J", "x" * 200]
    commit(project, {name: f"content {name}\n" for name in names})
    (project / "unchanged").write_text("1")
    (project / os.fsdecode(b"\xff\xfe.py")).write_text("not UTF-8\n")
    commit(project, {}, 1)
    for number, name in enumerate(names):
        commit(project, {name: f"changed {name}\n"}, 2 + number)
    found = await told(tmp_path / "1.git", project)
    assert len(found) == len(names) + 2 and found["unchanged"] == found["\\xff\\xfe.py"] == len(names)
    assert sorted(age for age in found.values() if age is not None)[: len(names)] == list(range(len(names)))
    assert found["M"] == len(names) - 2 and found["\\x0a@x"] == len(names) - 4


async def test_one_commit_for_everything_and_a_shallow_repository(tmp_path: Path, project: Path) -> None:
    commit(project, {"a.py": "1", "b.py": "1"})
    assert set((await told(tmp_path / "1.git", project)).values()) == {0}
    commit(project, {"a.py": "2"}, 1)
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{project}", str(tmp_path / "shallow"))
    assert set((await told(tmp_path / "2.git", tmp_path / "shallow")).values()) == {None}


async def test_a_walk_ends(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        commit(project, {f"{number}.py": "1"}, number)
    clone = tmp_path / "1.git"
    assert (await told(clone, project))["0.py"] == 8
    monkeypatch.setattr(walking, "MOST_NAMES", 4)
    assert [known(clone)[f"{number}.py"] for number in range(9)] == [None] * 5 + [3, 2, 1, 0]
    monkeypatch.setattr(walking, "MOST_COMMITS", 2)
    assert [known(clone)[f"{number}.py"] for number in range(9)] == [None] * 7 + [1, 0]
    monkeypatch.undo()
    shutil.rmtree(clone / history.FOLDER / "objects" / "pack")  # git breaks off in the middle
    assert set(known(clone).values()) == {None}


async def test_what_fails_fails_nothing_else(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(project, {"a.py": "1"})
    monkeypatch.setattr(history, "LONGEST_S", 0.0)
    assert "did not answer in time" in await fetched(tmp_path / "1.git", project)
    assert known(tmp_path / "1.git") == {"a.py": None} and not (tmp_path / "1.git" / history.FOLDER).exists()
    monkeypatch.undo()
    assert await told(tmp_path / "1.git", project) == {"a.py": 0}


STEPS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=4), min_size=1, max_size=8)


@given(STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_any_line_of_commits_the_newest_that_made_the_content(steps: list[list[tuple[int, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = empty(Path(folder) / "project")
        trees: list[dict[str, str]] = []
        for at, step in enumerate(steps):
            # A name is part of its content, lest one file be moved to another name.
            commit(project, {f"{name}.py": f"{name} {text}\n" for name, text in step}, at)
            trees.insert(0, {**(trees[0] if trees else {}), **{f"{name}.py": f"{text}" for name, text in step}})
        before = [*trees[1:], {}]
        expected = {
            path: next(age for age, tree in enumerate(trees) if before[age].get(path) != tree[path])
            for path in trees[0]
        }
        assert asyncio.run(told(Path(folder) / "1.git", project)) == expected


@contextmanager
def served(root: Path, certificate: Path) -> Iterator[str]:
    """A git server over https, and where it is."""
    server = GitOverHttps(root, certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_a_server_that_filters_and_one_that_does_not(
    context: Context, tmp_path: Path, project: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate / "cert.pem"))
    await credentials.keep_token(context, "ci", TOKEN)
    for number in range(20):
        commit(project, {f"{number}.py": f"{number}\n"}, number)
    with served(tmp_path, certificate) as url:
        request = wire.AddSource(what=f"{url}/project/.git", name="it", credential="ci")
        source = await ended(context, await catalog.add(context, request))
        assert (source.state, source.files) == ("ready", 20)
        assert source.detail.startswith("held-out files are chosen by hash") and "allowFilter" in source.detail
        (clone,) = context.paths.sources.glob("*.git")
        assert set(known(clone).values()) == {None} and not (clone / history.FOLDER).exists()
        run(project, "config", "uploadpack.allowFilter", "true")
        source = await ended(context, await catalog.sync(context, "it"))
        assert source.detail == "nothing new"
        assert [known(clone)[f"{number}.py"] for number in range(20)] == list(range(19, -1, -1))
        commit(project, {"3.py": "new\n"}, 30)
        assert (await ended(context, await catalog.sync(context, "it"))).detail.endswith("1 changed")
        assert known(clone)["3.py"] == 0 and blobs(clone / history.FOLDER) == 0
