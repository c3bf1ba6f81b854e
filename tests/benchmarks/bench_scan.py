"""Stage 1 of the scan: files a second against only reading and hashing, and against GitHub Linguist, on all cores.

usage: bench_scan.py [FOLDER …]   (default: the four trees of `trees.py`)
"""

import hashlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from backend.scan.child import ENVIRONMENT
from backend.scan.classify import classify
from backend.scan.near import near
from backend.sources.members import HEAD, LARGEST_READ, Place
from backend.store.migrations import migrate
from tests.benchmarks.trees import trees

CORES = len(os.sched_getaffinity(0))
INSERT = (
    "INSERT INTO files(source_id, path, size, sha256, language, text_ok, stage1_reason) VALUES (1, ?, ?, ?, ?, ?, ?)"
)
ORACLE = """
require 'linguist'
$stdin.each_line(chomp: true) do |path|
  blob = Linguist::FileBlob.new(path, Dir.pwd)
  Linguist.detect(blob, allow_empty: true); blob.generated?; blob.vendored?
end
"""


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and seconds of processors, which other work on the machine disturbs less."""

    clock: float = 0.0
    processors: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.clock + other.clock, self.processors + other.processors)

    def times(self, other: "Cost") -> str:
        """How often this is as much as the other."""
        return f"{self.clock / other.clock:.1f} × ({self.processors / other.processors:.1f} × the processor time)"


@contextmanager
def measuring(into: list[Cost]) -> Iterator[None]:
    """What happens inside, here and in processes that end inside."""
    clock, processors = time.perf_counter(), _processors()
    yield
    into.append(Cost(time.perf_counter() - clock, _processors() - processors))


def _processors() -> float:
    told = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in told)


@dataclass
class Measured:
    """One tree: its files, and what each way of going through them cost."""

    files: int = 0
    hashing: Cost = Cost()
    rules: Cost = Cost()
    everything: Cost = Cost()
    linguist: Cost | None = Cost()
    """None where it is not installed."""
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Measured") -> None:
        """Sum them up."""
        self.files += other.files
        self.hashing += other.hashing
        self.rules += other.rules
        self.everything += other.everything
        self.linguist = None if self.linguist is None or other.linguist is None else self.linguist + other.linguist
        self.reasons.update(other.reasons)

    def show(self, name: str) -> None:
        """A line for each of the four, with the ratios that count."""
        print(f"{name}: {self.files:,} files, {CORES} cores")
        print("  " + ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.most_common()))
        print(f"  reading and hashing  {self._rate(self.hashing)}")
        if self.linguist:
            print(f"  Linguist             {self._rate(self.linguist)}")
        for what, cost, aim in (("without secrets, twins", self.rules, 15), ("everything on", self.everything, 8)):
            print(f"  stage 1, {what}: {self._rate(cost)}")
            if self.linguist:
                print(f"    Linguist takes {self.linguist.times(cost)} as long (aim: at least {aim} ×)")
            print(f"    it takes {cost.times(self.hashing)} as long as hashing (aim: at most 6 ×)", flush=True)

    def _rate(self, cost: Cost) -> str:
        return f"{self.files / cost.clock:9,.0f} files/s"


def hashed(paths: list[str]) -> int:
    """Read and hash what the scan reads too: the whole of a file, or the beginning of a large one."""
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123  (a Path would cost as much as the reading)
            hashlib.sha256(file.read(HEAD if os.path.getsize(path) > LARGEST_READ else -1)).digest()  # noqa: PTH202
    return len(paths)


def hashing(paths: list[str]) -> Cost:
    """Nothing but that, with the files in memory."""
    chunks = [paths[start : start + 500] for start in range(0, len(paths), 500)]
    costs: list[Cost] = []
    for _ in range(2):
        with measuring(costs), ProcessPoolExecutor(CORES) as pool:
            list(pool.map(hashed, chunks))
    return costs[-1]


def scan(root: Path) -> tuple[Cost, Counter[str]]:
    """The whole stage into a store of its own, with the search for near-duplicates, and what was found."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    state, content = folder / "state.db", folder / "content.db"
    rows: list[list[Any]] = []
    costs: list[Cost] = []

    def emit(record: dict[str, Any]) -> None:
        rows.extend(record.get("rows", ()))

    try:
        migrate(state)
        place = Place(id=1, name="bench", kind="folder", location=str(root))
        with measuring(costs):
            classify([place], state, content, False, emit)
        with closing(sqlite3.connect(state)) as connection, connection:  # as the engine does beside it
            connection.execute(
                "INSERT INTO sources(id, project_id, name, kind, location, set_name, state, detail, added) "
                "VALUES (1, 1, 'bench', 'folder', '', 'auto', 'ready', '', '')"
            )
            connection.executemany(INSERT, [row[:6] for row in rows])
        with measuring(costs):
            near(state, content, 1, "", lambda _: None)
        return costs[0] + costs[1], Counter(row[5] or "accepted" for row in rows)
    finally:
        shutil.rmtree(folder)


class Blind:
    """Sees no sign of a secret."""

    def found_in(self, text: str) -> set[str]:
        """Nothing."""
        return set()


@contextmanager
def without_secrets_and_twins() -> Iterator[None]:
    """Stage 1 as it would be without these: no secrets, no warnings, no near-duplicates."""
    with ExitStack() as stack:
        for name, instead in {
            "rules._signs": Blind,
            "rules.secret": lambda text, seen: None,
            "rules.warn": lambda path, text, seen: "",
            "batch.signature": lambda text: None,
        }.items():
            stack.enter_context(patch(f"backend.scan.{name}", instead))
        yield


def linguist(root: Path, paths: list[str]) -> Cost | None:
    """Linguist with as many processes as there are cores; None where it is not installed."""
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'linguist'"], capture_output=True).returncode:
        return None
    parts = ["\n".join(paths[core::CORES]).encode() for core in range(CORES)]
    costs: list[Cost] = []
    with measuring(costs):
        running = [subprocess.Popen(["ruby", "-e", ORACLE], stdin=subprocess.PIPE, cwd=root) for _ in parts]
        for process, part in zip(running, parts, strict=True):
            assert process.stdin is not None
            process.stdin.write(part)
            process.stdin.close()
        for process in running:
            process.wait()
    return costs[0]


def measured(root: Path) -> Measured:
    """All of it on one tree."""
    paths = [str(path) for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    nothing_else = hashing(paths)
    with without_secrets_and_twins():
        rules, _ = scan(root)
    everything, reasons = scan(root)
    return Measured(len(paths), nothing_else, rules, everything, linguist(root, paths), reasons)


def main() -> None:
    if not ENVIRONMENT.items() <= os.environ.items():  # all of it with the memory settings of the scan's own process
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})
    total = Measured()
    for name, root in {folder: Path(folder) for folder in sys.argv[1:]}.items() or trees().items():
        found = measured(root)
        found.show(name)
        total.add(found)
    total.show("all together")


if __name__ == "__main__":
    main()
