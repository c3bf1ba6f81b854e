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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

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


@dataclass
class Measured:
    """One tree: files, and the seconds that each took for them; Linguist's are None where it is not installed."""

    files: int = 0
    hashing: float = 0.0
    rules: float = 0.0
    everything: float = 0.0
    linguist: float | None = 0.0
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
        print(f"  reading and hashing   {self.files / self.hashing:9,.0f} files/s")
        if self.linguist:
            print(f"  Linguist              {self.files / self.linguist:9,.0f} files/s")
        for what, spent, aim in (("without secrets and twins", self.rules, 15), ("everything", self.everything, 8)):
            times = f", {self.linguist / spent:4.1f} × Linguist's speed (aim: {aim})" if self.linguist else ""
            print(
                f"  stage 1, {what:<25} {self.files / spent:9,.0f} files/s; "
                f"{spent / self.hashing:.1f} times as long as hashing (aim: at most 6){times}",
                flush=True,
            )


def hashed(paths: list[str]) -> int:
    """Read and hash what the scan reads too: the whole of a file, or the beginning of a large one."""
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123  (a Path would cost as much as the reading)
            hashlib.sha256(file.read(HEAD if os.path.getsize(path) > LARGEST_READ else -1)).digest()  # noqa: PTH202
    return len(paths)


def hashing_s(paths: list[str]) -> float:
    """Seconds of nothing but that."""
    chunks = [paths[start : start + 500] for start in range(0, len(paths), 500)]
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(hashed, chunks))  # the processes are there, the files in memory
        started = time.perf_counter()
        list(pool.map(hashed, chunks))
        return time.perf_counter() - started


def scan_s(root: Path) -> tuple[float, Counter[str]]:
    """Seconds of the whole stage into a store of its own, with the search for near-duplicates, and what was found."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    state, content = folder / "state.db", folder / "content.db"
    rows: list[list[Any]] = []

    def emit(record: dict[str, Any]) -> None:
        rows.extend(record.get("rows", ()))

    try:
        migrate(state)
        place = Place(id=1, name="bench", kind="folder", location=str(root))
        started = time.perf_counter()
        classify([place], state, content, False, emit)
        spent = time.perf_counter() - started
        with sqlite3.connect(state) as connection:  # as the engine does beside it
            connection.execute(
                "INSERT INTO sources(id, project_id, name, kind, location, set_name, state, detail, added) "
                "VALUES (1, 1, 'bench', 'folder', '', 'auto', 'ready', '', '')"
            )
            connection.executemany(INSERT, [row[:6] for row in rows])
        found = Counter(row[5] or "accepted" for row in rows)
        started = time.perf_counter()
        near(state, content, 1, "", lambda _: None)
        return spent + time.perf_counter() - started, found
    finally:
        shutil.rmtree(folder)


@contextmanager
def without_secrets_and_twins() -> Iterator[None]:
    """Stage 1 as it would be without these two."""
    with (
        patch("backend.scan.rules.secret", lambda text: None),
        patch("backend.scan.batch.signature", lambda text: None),
    ):
        yield


def linguist_s(root: Path, paths: list[str]) -> float | None:
    """Seconds of Linguist with as many processes as there are cores; None where it is not installed."""
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'linguist'"], capture_output=True).returncode:
        return None
    parts = ["\n".join(paths[core::CORES]).encode() for core in range(CORES)]
    started = time.perf_counter()
    running = [subprocess.Popen(["ruby", "-e", ORACLE], stdin=subprocess.PIPE, cwd=root) for _ in parts]
    for process, part in zip(running, parts, strict=True):
        assert process.stdin is not None
        process.stdin.write(part)
        process.stdin.close()
    for process in running:
        process.wait()
    return time.perf_counter() - started


def measured(root: Path) -> Measured:
    """All of it on one tree."""
    paths = [str(path) for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    hashing = hashing_s(paths)
    with without_secrets_and_twins():
        rules, _ = scan_s(root)
    everything, reasons = scan_s(root)
    return Measured(len(paths), hashing, rules, everything, linguist_s(root, paths), reasons)


def main() -> None:
    total = Measured()
    for name, root in {folder: Path(folder) for folder in sys.argv[1:]}.items() or trees().items():
        found = measured(root)
        found.show(name)
        total.add(found)
    total.show("all together")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  memory at the peak: {peak:,.0f} MB here, {workers:,.0f} MB in the largest process beside it")


if __name__ == "__main__":
    main()
