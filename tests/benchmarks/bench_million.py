"""A very large source through stage 1 in a real engine's context: time, memory, and how fast its lists are read.

usage: bench_million.py [FILES]   (default: 1 000 000; a tar of about 1.5 GB is made in the temporary folder)
"""

import asyncio
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil

from backend import wire
from backend.bus import Bus
from backend.context import Context
from backend.jobs.queue import JobQueue
from backend.paths import Paths
from backend.scan import results, run
from backend.sources import catalog
from backend.store.database import Database
from tests.benchmarks.screen import Screen

WORDS = [f"{verb}_{noun}" for verb in ("load", "save", "merge", "split") for noun in ("row", "page", "index", "table")]

PAGE = 200
"""Rows, as the screen asks for them."""
PAGE_DOWN, PAGE_UP = "\x1b[6~", "\x1b[5~"


def letters(number: int) -> str:
    """A number as a word: programs are not full of digits."""
    word = ""
    while number >= 0:
        number, place = number // 26 - 1, number % 26
        word = chr(ord("a") + place) + word
    return word


def make(path: Path, files: int) -> None:
    """A tar of small programs; one in ten is like another, some are vendored or no code."""
    random = Random(1)
    with tarfile.open(path, "w") as packed:
        for number in range(files):
            seed = number // 10 * 10 if number % 10 == 9 else number
            draw = Random(seed)
            name = letters(seed)
            lines = [
                f"def {draw.choice(WORDS)}_{name}_{letters(line)}(x): return x + {draw.choice(WORDS)}"
                for line in range(20)
            ]
            data = ("\n".join(lines) + f"\n# {letters(number)}\n").encode()
            folder = random.choice(["src", "src", "src", "lib", "vendor", "docs"])
            ending = random.choice(["py", "py", "py", "py", "go", "md"])
            info = tarfile.TarInfo(f"{folder}/d{number % 997}/{number}.{ending}")
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
            packed.members = []  # type: ignore[attr-defined]  # it would remember a million headers


class Peak(threading.Thread):
    """The largest memory of this process and of any of its children, in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own = self.child = 0
        self.over = threading.Event()

    def run(self) -> None:
        me = psutil.Process()
        while not self.over.wait(0.5):
            self.own = max(self.own, me.memory_info().rss)
            for child in me.children(recursive=True):
                try:
                    self.child = max(self.child, child.memory_info().rss)
                except psutil.Error:
                    continue


async def measure(home: Path, tar: Path) -> None:
    paths = Paths(home)
    paths.prepare()
    db = await Database.open(paths.database)
    bus = Bus()
    ctx = Context(paths=paths, db=db, bus=bus, jobs=JobQueue(db, bus), hosts=None, public_url="", started=time.time())
    done: wire.Scan | None = None
    for label in ("first scan", "unchanged "):
        peak = Peak()
        peak.start()
        started = time.perf_counter()
        if label == "first scan":
            source = await catalog.add(ctx, wire.AddSource(what=str(tar)))
            await ctx.jobs.wait(source.job or 0)
        scan = await run.start(ctx, wire.StartScan(stage=1))
        await ctx.jobs.wait(scan.job or 0)
        done = await run.current(ctx)
        peak.over.set()
        assert done is not None and done.state == "done", done
        assert done.files == done.accepted + done.rejected and done.accepted == done.train + done.test
        spent = time.perf_counter() - started
        print(f"  {label} {spent:7.1f} s, {done.files / spent:7,.0f} files/s; memory: engine {peak.own / 1e6:.0f} MB, "
              f"largest child {peak.child / 1e6:.0f} MB (limit 500)", flush=True)  # fmt: skip
    assert done is not None
    print(f"  {done.accepted:,} accepted; " + ", ".join(f"{n:,} {reason}" for reason, n in done.reasons.items()))
    await lists(ctx, done.accepted)
    await ctx.jobs.close()
    await db.close()


async def lists(ctx: Context, accepted: int) -> None:
    """How long pages take: the first of filters that were never asked for, and any page of all files."""
    random = Random(2)
    filters: dict[str, Callable[[], dict[str, str]]] = {
        "accepted": lambda: {"verdict": "accepted"},
        "rejected, of a reason": lambda: {"verdict": "rejected", "reason": "duplicate"},
        "accepted, of a language": lambda: {"verdict": "accepted", "language": "Go"},
        "a common ending": lambda: {"verdict": "accepted", "text": f"*{random.randrange(10)}.py"},
        "a part of few paths": lambda: {"verdict": "accepted", "text": f"d{random.randrange(997)}/"},
        "a part of no path": lambda: {"verdict": "accepted", "text": f"nothing{random.randrange(10**6)}"},
        "a size": lambda: {"verdict": "accepted", "text": f"size>{random.randrange(1000, 3000)}"},
        "several": lambda: {"verdict": "accepted", "text": f"lang:go set:test d{random.randrange(997)}/"},
    }
    every: list[float] = []
    for name, make_filter in filters.items():
        times = []
        for _ in range(12):
            await ctx.db.execute("UPDATE settings SET value = value")  # nothing is remembered
            wanted = make_filter()
            started = time.perf_counter()
            page = await results.page(ctx, limit=PAGE, **wanted)  # type: ignore[arg-type]
            times.append((time.perf_counter() - started) * 1000)
        every += times
        print(f"  first page with its exact total, {name:<24} {percentile(times):6.0f} ms; {page.total:,} at last")
    print(f"  first page with its exact total, all of these: {percentile(every):.0f} ms (aim: 100, and 1000 the total)")
    for label, text in (("all", ""), ("those of a filter", "*.py")):
        total = (await results.page(ctx, verdict="accepted", text=text, limit=PAGE)).total
        far, down = [], []
        for _ in range(60):
            started = time.perf_counter()
            offset = random.randrange(max(1, total - PAGE))
            page = await results.page(ctx, verdict="accepted", text=text, offset=offset, limit=PAGE)
            far.append((time.perf_counter() - started) * 1000)
            started = time.perf_counter()
            await results.page(ctx, verdict="accepted", text=text, after=page.after, limit=PAGE)
            down.append((time.perf_counter() - started) * 1000)
        print(f"  of {label}: page-down {percentile(down):.0f} ms, a jump anywhere {percentile(far):.0f} ms (aim: 50)")


def percentile(times: list[float]) -> float:
    """The 95th."""
    return sorted(times)[int(0.95 * (len(times) - 1) + 0.5)]


def screen(home: Path) -> None:
    """The real screen on the real engine: its memory after paging about, and how soon a key is drawn."""
    environment = {**os.environ, "REFACT_TUI_HOME": str(home), "REFACT_TUI_PORT": "18126"}
    engine = [sys.executable, "-P", "-m", "refact_tui", "engine"]
    subprocess.run([*engine, "start"], env=environment, check=True, stdout=subprocess.DEVNULL)
    one = Screen(environment)
    try:
        one.until("Checkpoints")
        one.press("2")
        one.until(".py")
        down = [one.press(PAGE_DOWN) * 1000 for _ in range(60)]
        one.press("G")
        up = [one.press(PAGE_UP) * 1000 for _ in range(60)]
        for keys in ("g", "/", "d500/", "\r", "G", "\x1b", "]", "G"):
            one.press(keys)
        now, most = one.memory()
        print(f"  the screen: {now} MB after paging about, {most} MB at most (aim: 150); page-down drawn "
              f"in {percentile(down):.0f} ms at the top, page-up in {percentile(up):.0f} ms at the end")  # fmt: skip
    finally:
        one.close()
        subprocess.run([*engine, "stop"], env=environment, check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    folder = Path(tempfile.mkdtemp(prefix="million-"))
    try:
        started = time.perf_counter()
        make(folder / "many.tar", files)
        print(f"{files:,} files, made in {time.perf_counter() - started:.0f} s", flush=True)
        asyncio.run(measure(folder / "home", folder / "many.tar"))
        screen(folder / "home")
        print(f"  at the end: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at the peak here")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
