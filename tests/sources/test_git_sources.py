"""Real repositories: fetched bare, read blob by blob, and nothing of theirs is ever run."""

import asyncio
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from backend.errors import NotFound, RefactError, TooLarge
from backend.sources import fetch as fetching
from backend.sources import git
from backend.sources.fetch import fetch
from backend.sources.members import Place
from backend.sources.stream import members, snapshot


def run(folder: Path, *arguments: str, at: int | None = None) -> str:
    """What git says; `at` is the committer's clock in seconds."""
    names = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@t",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "protocol.file.allow=always",
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    clock = {} if at is None else {"GIT_COMMITTER_DATE": f"@{at} +0000"}
    done = subprocess.run(
        ["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True, env={**clean, **clock}
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "x") -> str:
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", message)
    return run(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src" / "deep").mkdir(parents=True)
    run(folder, "init", "-q", "-b", "main")
    (folder / "src" / "a.py").write_text("a = 1\n")
    (folder / "src" / "deep" / "ünï\n.py").write_text("b = 2\n")
    (folder / "big.txt").write_text("x" * 600_000)
    (folder / "link").symlink_to("/etc/passwd")
    commit(folder)
    return folder


def place(clone: Path, subfolder: str | None = None) -> Place:
    return Place(1, "p", "git", "", subfolder=subfolder, commit=git.head(str(clone)), clone=str(clone))


def read(clone: Path, subfolder: str | None = None) -> tuple[dict[str, bytes | None], Counter[str]]:
    refused: Counter[str] = Counter()
    return {one.path: one.data for one in members(place(clone, subfolder), refused)}, refused


async def test_a_repository_is_fetched_read_and_synced(tmp_path: Path, repository: Path) -> None:
    clone = tmp_path / "1.git"
    told: list[tuple[str, int, int]] = []
    await fetch(clone, str(repository), None, lambda *facts: told.append(facts))
    (repository / "src" / "uncommitted.py").write_text("no\n")
    found, refused = read(clone)
    assert found == {"src/a.py": b"a = 1\n", "src/deep/ünï\\x0a.py": b"b = 2\n", "big.txt": None}
    assert refused == {"symbolic link": 1}
    assert read(clone, "src/deep")[0] == {"ünï\\x0a.py": b"b = 2\n"}
    assert told and all(done <= total for _, done, total in told)
    assert snapshot(place(clone)).files == 3
    head = commit(repository, "more")
    await fetch(clone, str(repository), None, lambda *_: None)
    assert git.head(str(clone)) == head
    assert "src/uncommitted.py" in read(clone)[0]
    assert not (clone / "hooks").exists()
    with pytest.raises(NotFound, match="no folder nowhere"):
        read(clone, "nowhere")


async def test_branches_tags_and_shallow_clones(tmp_path: Path, repository: Path) -> None:
    run(repository, "checkout", "-q", "-b", "feature/x")
    (repository / "only.py").write_text("x = 1\n")
    commit(repository)
    run(repository, "tag", "v1")
    run(repository, "checkout", "-q", "main")
    for number, branch in enumerate(("feature/x", "v1")):
        clone = tmp_path / f"{number}.git"
        await fetch(clone, str(repository), branch, lambda *_: None)
        assert "only.py" in read(clone)[0]
    shallow = tmp_path / "shallow"
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    await fetch(tmp_path / "s.git", str(shallow), None, lambda *_: None)
    assert "src/a.py" in read(tmp_path / "s.git")[0]


async def test_submodules_are_counted_not_fetched(tmp_path: Path, repository: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    run(outer, "init", "-q", "-b", "main")
    run(outer, "submodule", "add", "-q", str(repository), "inner")
    commit(outer)
    await fetch(tmp_path / "o.git", str(outer), None, lambda *_: None)
    found, refused = read(tmp_path / "o.git")
    assert list(found) == [".gitmodules"] and refused == {"submodule": 1}


async def test_nothing_of_a_repository_is_run(tmp_path: Path, repository: Path) -> None:
    trap = tmp_path / "sprung"
    for hook in ("post-checkout", "post-merge", "pre-receive", "reference-transaction", "post-update"):
        file = repository / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {trap}\n")
        file.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "filter.x.smudge",
        "filter.x.clean",
        "core.sshCommand",
        "uploadpack.packObjectsHook",
    ):
        run(repository, "config", name, f"touch {trap}")
    (repository / ".gitattributes").write_text("*.py filter=x\n")
    run(repository, "-c", "core.fsmonitor=false", "-c", "filter.x.clean=cat", "add", "-A")
    run(repository, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "commit", "-qm", "traps")
    trap.unlink(missing_ok=True)
    await fetch(tmp_path / "t.git", str(repository), None, lambda *_: None)
    assert read(tmp_path / "t.git")[0]["src/a.py"] == b"a = 1\n"
    assert not trap.exists()


async def test_failures_are_told_in_gits_words(tmp_path: Path, repository: Path) -> None:
    with pytest.raises(RefactError, match="couldn't find remote ref nope") as caught:
        await fetch(tmp_path / "a.git", str(repository), "nope", lambda *_: None)
    assert "branch" in caught.value.hint
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "init", "-q")
    with pytest.raises(RefactError, match="no commits"):
        await fetch(tmp_path / "b.git", str(empty), None, lambda *_: None)
    with pytest.raises(RefactError, match="not allowed"):
        await fetch(tmp_path / "c.git", "ext::sh -c true", None, lambda *_: None)
    with pytest.raises(RefactError, match="not allowed"):
        await fetch(tmp_path / "d.git", f"file://{repository}", None, lambda *_: None)
    with pytest.raises(NotFound):
        git.head(str(tmp_path / "nothing"))


async def test_a_repository_that_fills_the_disk_is_stopped(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "noise.bin").write_bytes(os.urandom(3 << 20))
    commit(repository)
    monkeypatch.setattr(fetching, "MOST_BYTES", 1 << 20)
    with pytest.raises(TooLarge, match="more than 0 GiB"):
        await fetch(tmp_path / "a.git", str(repository), None, lambda *_: None)
    assert sum(path.stat().st_size for path in (tmp_path / "a.git").rglob("*") if path.is_file()) <= 2 << 20


async def test_a_server_that_does_not_answer_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SILENCE_S", 0.5)
    open_streams: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_streams.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(RefactError, match="did not answer in time"):
            await fetch(tmp_path / "a.git", f"https://127.0.0.1:{port}/a.git", None, lambda *_: None)
    finally:
        for writer in open_streams:
            writer.close()
        server.close()
