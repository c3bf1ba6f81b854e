"""Stage 1 of the scan: files a second against only reading and hashing, and against GitHub Linguist, on both cores.

usage: bench_scan.py [FOLDER]   (default: this environment's site-packages)
"""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from backend.scan.classify import classify
from backend.sources.members import Place
from backend.store.migrations import migrate

CORES = len(os.sched_getaffinity(0))
ORACLE = """
require 'linguist'
$stdin.each_line(chomp: true) do |path|
  blob = Linguist::FileBlob.new(path, Dir.pwd)
  Linguist.detect(blob, allow_empty: true); blob.generated?; blob.vendored?
end
"""


def hashed(paths: list[str]) -> int:
    """Read and hash every file."""
    for path in paths:
        hashlib.sha256(Path(path).read_bytes()).digest()
    return len(paths)


def hash_rate(paths: list[str]) -> float:
    """Files a second of nothing but that."""
    chunks = [paths[start : start + 500] for start in range(0, len(paths), 500)]
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(hashed, chunks[:CORES]))  # the processes are there, the files in memory
        started = time.perf_counter()
        list(pool.map(hashed, chunks))
        return len(paths) / (time.perf_counter() - started)


def scan_rate(root: Path) -> tuple[float, int, dict[str, int]]:
    """Files a second of the whole stage, with everything on, into a store of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    reasons: dict[str, int] = {}
    files = 0

    def emit(record: dict[str, Any]) -> None:
        nonlocal files
        for row in record.get("rows", ()):
            files += 1
            reasons[row[5] or "accepted"] = reasons.get(row[5] or "accepted", 0) + 1

    try:
        migrate(folder / "state.db")
        place = Place(id=1, name="bench", kind="folder", location=str(root))
        started = time.perf_counter()
        classify([place], folder / "state.db", folder / "content.db", False, emit)
        return files / (time.perf_counter() - started), files, reasons
    finally:
        shutil.rmtree(folder)


def linguist_rate(root: Path, paths: list[str]) -> float | None:
    """Files a second of Linguist with as many processes as there are cores; None where it is not installed."""
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'linguist'"], capture_output=True).returncode:
        return None
    sample = paths[:: max(1, len(paths) // 6000)]
    parts = ["\n".join(sample[core::CORES]).encode() for core in range(CORES)]
    started = time.perf_counter()
    running = [subprocess.Popen(["ruby", "-e", ORACLE], stdin=subprocess.PIPE, cwd=root) for _ in parts]
    for process, part in zip(running, parts, strict=True):
        assert process.stdin is not None
        process.stdin.write(part)
        process.stdin.close()
    for process in running:
        process.wait()
    return len(sample) / (time.perf_counter() - started)


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_paths()["purelib"])
    paths = [str(path) for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    hashing = hash_rate(paths)
    ours, files, reasons = scan_rate(root)
    print(f"{root}: {files:,} files, {CORES} cores")
    print("  " + ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda one: -one[1])))
    print(f"  reading and hashing {hashing:9,.0f} files/s")
    print(
        f"  stage 1, all rules  {ours:9,.0f} files/s   {hashing / ours:.1f} times slower than hashing (aim: at most 6)"
    )
    if linguist := linguist_rate(root, paths):
        print(f"  Linguist            {linguist:9,.0f} files/s   we are {ours / linguist:.1f} times faster (aim: 8)")
    else:
        print("  Linguist            skipped: its Ruby library is not installed (Debian: ruby-github-linguist)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  memory at the peak  {peak:,.0f} MB here, {workers:,.0f} MB in the largest process beside it")


if __name__ == "__main__":
    main()
