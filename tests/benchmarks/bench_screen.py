"""The real screen through a terminal, beside a live training run and a very long list: keys, rooms, paint, bytes.

usage: bench_screen.py   (BENCH_ROWS=20000 makes the list shorter; else it has 1 000 000 files)

A machine that does something else besides, as this one does with its trainer, gives noisy figures: medians and 95th
percentiles of many tries are told, and what they were to be.
"""

import email
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from backend.paths import Paths
from refact_tui.client import Client
from refact_tui.launch import ended, gone
from tests.benchmarks.bench_million import percentile
from tests.benchmarks.screen import Screen

SIZE = (120, 36)
PAINTS, KEYS, TOURS, SECONDS = 5, 60, 8, 20
ROOMS = ("Sources", "Scan", "Train", "Checkpoints", "Serve", "System")
ROWS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
INSERT INTO files(project_id, source_id, path, size, sha256, language, text_ok, verdict, set_name, loss)
SELECT 1, :source, 'many/d' || (i % 997) || '/' || i || '.py', 1000 + i % 5000, NULL, 'Python', 1, 'accepted', 'train',
       (i % 400) / 100.0
FROM n
"""


def verb(environment: dict[str, str], *arguments: str) -> Any:
    """What a verb answers."""
    command = [sys.executable, "-P", "-m", "refact_tui", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def leave(paths: Paths) -> None:
    """End the engine and let its trainer train on."""
    with Client(paths) as client:
        pid = client.get("/version", dict)["pid"]
        client.post("/engine/stop", {"keep_trainers": True}, Any)
    if not (gone(paths, 60.0) and ended(pid, 60.0)):
        raise SystemExit("the engine did not end")


def begin(environment: dict[str, str], folder: Path) -> None:
    """Some of Python's own code is read and trained on, for longer than everything here takes."""
    code = folder / "code"
    library = Path(email.__file__).parents[1]
    for name in ("email", "asyncio", "unittest", "http"):
        shutil.copytree(library / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    verb(environment, "engine", "start")
    verb(environment, "sources", "add", str(code), "--name", "code", "--wait")
    verb(environment, "scan", "run", "--stage", "1", "--wait")
    verb(environment, "train", "start", "--name", "live", "--steps", "20000", "--set", "eval_every=40")
    while (run := verb(environment, "train", "show", "live"))["step"] < 10:
        if run["state"] == "failed":
            raise SystemExit(f"the run failed: {run['reason']}")
        time.sleep(1.0)


def lengthen(paths: Paths, rows: int) -> None:
    """The list of the scan has so many files more."""
    with sqlite3.connect(paths.database) as connection:
        source = connection.execute("SELECT id FROM sources WHERE name = 'code'").fetchone()[0]
        connection.execute(ROWS, {"rows": rows, "source": source})
        (number, summary) = connection.execute("SELECT id, summary FROM scans ORDER BY id DESC LIMIT 1").fetchone()
        told = json.loads(summary)
        for name in ("files", "accepted", "stage1_accepted", "train"):
            told[name] = told.get(name, 0) + rows
        connection.execute("UPDATE scans SET summary = ? WHERE id = ?", (json.dumps(told), number))
    connection.close()


def paints(environment: dict[str, str], paths: Paths, start: bool) -> list[float]:
    """Milliseconds until the rooms are drawn; with `start` there is no engine yet."""
    times = []
    for _ in range(PAINTS):
        if start:
            leave(paths)
        one = Screen(environment, SIZE)
        times.append(one.until("Checkpoints") * 1000)
        one.close()
    return times


def keys(one: Screen) -> list[float]:
    """Milliseconds from a key to what it changes: up and down, page by page, from one end to the other."""
    one.draw("3", "▌3")
    one.draw("2", ".py")
    strokes, random, times = ["j"] * 6 + ["k"] * 3 + ["\x04"] * 3 + ["\x15"] * 2 + ["G", "g"], Random(1), []
    for number in range(KEYS):
        one.watch(random.uniform(0.05, 0.25))  # as fast as people type, and at any time between two drawings
        times.append(one.draw(strokes[number % len(strokes)], "▌").first * 1000)
    return times


def rooms(one: Screen) -> tuple[list[float], list[float]]:
    """Milliseconds until another room is drawn whole: at the first visit, and then."""
    times, random = [], Random(2)
    for number in [2, 3, 4, 5, 6, 1] * (TOURS + 1):
        one.watch(random.uniform(0.1, 0.3))
        times.append(one.draw(str(number), f"▌{number}").whole * 1000)
    return times[: len(ROOMS)], times[len(ROOMS) :]


def told(what: str, found: list[float], aim: float, unit: str = "ms", of: str = "p95") -> None:
    """One line: the median, the 95th percentile, and the aim for one of them."""
    high = percentile(found)
    reached = high if of == "p95" else statistics.fmean(found)
    mark = "✓" if reached <= aim else "✗"
    middle = f"median {statistics.median(found):6.0f}" if of == "p95" else f"mean   {reached:6.0f}"
    print(f"  {mark} {what:<44} {middle}  p95 {high:6.0f} {unit:<4} (aim: {of} {aim:.0f})", flush=True)


def measure(environment: dict[str, str], paths: Paths) -> None:
    """Everything, on an engine that is up."""
    told("first paint, engine up", paints(environment, paths, False), 800)
    told("first paint, engine started by it", paints(environment, paths, True), 2000)
    for name, more in (("", {}), (" over ssh", {"SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"})):
        one = Screen({**environment, **more}, SIZE)
        try:
            one.until("● engine")
            first, again = rooms(one)
            told(f"another room{name}", again, 100)
            print(f"    (at the first visit, its code read from disk: up to {max(first):.0f} ms)")
            told(f"from a key to its change{name}", keys(one), 40)
            if not more:
                wire(one)
        finally:
            one.close()


def wire(one: Screen) -> None:
    """Bytes a second with nobody at the keys."""
    for number, room in enumerate(ROOMS, 1):
        one.draw(str(number), f"▌{number}")
        one.watch(2)
        aim = 2000 if room == "Train" else 200
        told(f"on the wire, {room}", [float(one.watch(1.0)) for _ in range(SECONDS)], aim, "B/s", "mean")


def main() -> None:
    rows = int(os.environ.get("BENCH_ROWS", "1000000"))
    folder = Path(tempfile.mkdtemp(prefix="screen-"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SSH_", "TEXTUAL"))},
        "REFACT_TUI_HOME": str(folder / "home"),
        "REFACT_TUI_PORT": "18127",
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    paths = Paths(folder / "home")
    try:
        began = time.perf_counter()
        begin(environment, folder)
        leave(paths)
        lengthen(paths, rows)
        verb(environment, "engine", "start")
        print(f"the screen at {SIZE[0]}×{SIZE[1]}, a run live, {rows:,} files; made in "
              f"{time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip
        measure(environment, paths)
        print(f"  the run is at step {verb(environment, 'train', 'show', 'live')['step']}")
    finally:
        subprocess.run([sys.executable, "-P", "-m", "refact_tui", "engine", "stop"], env=environment, check=False,
                       capture_output=True)  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
