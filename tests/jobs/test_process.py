"""Processes: a safe import path, adoption by pid and start time, and none that outlives us unless it should."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.jobs import process
from backend.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "home")
    paths.prepare()
    return paths


def alive(pid: int) -> bool:
    return process.started_at(pid) is not None


async def test_a_folder_of_the_users_is_never_imported(paths: Paths, tmp_path: Path) -> None:
    decoy = paths.home / "backend"
    decoy.mkdir()
    (decoy / "__init__.py").write_text("raise SystemExit(9)")
    child = await process.spawn(paths, "backend.scan", "/no/such/job.json", log=paths.logs / "x.log")
    assert await child.wait() != 9


async def test_a_process_is_adopted_only_where_it_is_the_same(paths: Paths) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = process.started_at(sleeper.pid)
    assert started is not None
    assert process.adopt(sleeper.pid, started + 1) is None
    child = process.adopt(sleeper.pid, started)
    assert child is not None and child.alive()
    sleeper.kill()
    while child.alive():  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # a zombie is not alive, though nobody has waited for it
    assert await child.wait() is None
    assert process.adopt(sleeper.pid, started) is None
    sleeper.wait()


async def test_stopping_asks_first_and_then_insists(paths: Paths) -> None:
    child = await process.spawn(paths, "http.server", "0", log=paths.logs / "x.log")
    await child.stop(5.0)
    assert not child.alive() and child.process and child.process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("detach", [False, True])
def test_children_die_with_us_unless_detached(paths: Paths, detach: bool) -> None:
    code = (
        "import asyncio, os, pathlib, sys\n"
        "from backend.jobs.process import spawn\n"
        "from backend.paths import Paths\n"
        "async def main():\n"
        "    paths = Paths(pathlib.Path(sys.argv[1]))\n"
        f"    child = await spawn(paths, 'http.server', '0', log=paths.logs / 'x.log', detach={detach})\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(paths.home)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 5
    while not detach and alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    try:
        assert alive(pid) == detach
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
