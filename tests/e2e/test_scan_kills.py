"""kill -9 of the engine at any moment of a scan: the next one goes on where it was, and the totals add up."""

import random
import shutil
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import textual

from tests.e2e.engine_box import Box, fresh_box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
FILES = 80


def code(folder: Path) -> Path:
    """Python files in folders, one of them twice, one binary."""
    found = sorted(path for path in Path(textual.__file__).parent.rglob("*.py") if 300 < path.stat().st_size < 20_000)
    for number, path in enumerate(found[:FILES]):
        target = folder / f"part{number % 7}" / f"{number}_{path.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(found[0], folder / "again.py")
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n" + bytes(200))
    return folder


def verdicts(box: Box) -> dict[str, tuple[Any, ...]]:
    rows = box.ok("scan", "files")
    return {row["path"]: (row["verdict"], row["reason"], row["loss"], row["set"]) for row in rows}


def test_a_scan_goes_on_after_kills(tmp_path: Path) -> None:
    folder = code(tmp_path / "code")
    with fresh_box() as calm:
        calm.ok("sources", "add", str(folder), "--wait")
        calm.ok("scan", "run", "--wait", timeout=600)
        expected = verdicts(calm)
    assert len(expected) == FILES + 2
    chance = random.Random(4)
    with fresh_box() as box:
        box.ok("sources", "add", str(folder), "--wait")
        box.ok("scan", "run")
        for _ in range(4):
            time.sleep(chance.uniform(0.1, 5.0))
            engine = box.engine_pid()
            children = psutil.Process(engine).children(recursive=True)
            box.kill(engine)
            _, alive = psutil.wait_procs(children, timeout=10)
            assert not alive, alive  # no trainer is at work: everything dies with its engine
            box.ok("engine", "start")
        scan = box.ok("scan", "run", "--wait", timeout=600)
        assert scan["files"] == scan["accepted"] + scan["rejected"] == FILES + 2
        assert scan["accepted"] == scan["train"] + scan["test"]
        assert verdicts(box) == expected
