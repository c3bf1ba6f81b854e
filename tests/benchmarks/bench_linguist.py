"""Agreement of the scan's eye with GitHub Linguist, file by file: languages, generated and vendored.

usage: bench_linguist.py [FOLDER …]   (default: the standard library and this environment's site-packages)

Needs Linguist's Ruby library (Debian: ruby-github-linguist); without it this says so and does nothing.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.scan.linguist.detect import detect
from backend.scan.linguist.generated import generated
from backend.scan.linguist.vendored import vendored
from backend.scan.rules import LARGEST
from backend.scan.text import decode, is_binary

ORACLE = """
require 'linguist'; require 'json'
$stdin.each_line(chomp: true) do |path|
  blob = Linguist::FileBlob.new(path, Dir.pwd)
  language = Linguist.detect(blob, allow_empty: true)
  puts JSON.generate([path, blob.binary?, language && language.name, !!blob.generated?, !!blob.vendored?])
end
"""
QUESTIONS = ("language", "generated", "vendored")
SHOWN = 12
"""Kinds of disagreement that are listed."""


def paths(root: Path) -> list[str]:
    """Regular files that the scan would read, without those inside a folder that is another default."""
    skipped = {"__pycache__", "site-packages", ".git"}
    return [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and "\n" not in str(path)
        and not skipped & set(path.relative_to(root).parts)
        and path.stat().st_size <= LARGEST
    ]


def answers(root: Path, names: list[str]) -> Iterator[list[Any]]:
    """Linguist's word on every file."""
    done = subprocess.run(
        ["ruby", "-e", ORACLE], input="\n".join(names), cwd=root, capture_output=True, text=True, check=True
    )
    return map(json.loads, done.stdout.splitlines())


def judged(name: str, text: str) -> tuple[str | None, bool, bool]:
    """Our word on a file, in the order of QUESTIONS."""
    return detect(name, text), generated(name, lambda: text) is not None, vendored(name) is not None


def compare(root: Path) -> None:
    """One tree: shares of agreement and speed, then what differs."""
    names = paths(root)
    started = time.perf_counter()
    theirs = list(answers(root, names))
    their_s = time.perf_counter() - started
    different: dict[str, list[tuple[str, Any, Any]]] = {question: [] for question in QUESTIONS}
    files, our_s = 0, 0.0
    for name, binary, *told in theirs:
        data = (root / name).read_bytes()
        text = None if binary or is_binary(data) else decode(data)
        if text is None:
            continue
        files += 1
        started = time.perf_counter()
        ours = judged(name, text)
        our_s += time.perf_counter() - started
        for question, their, our in zip(QUESTIONS, told, ours, strict=True):
            if their != our:
                different[question].append((name, their, our))
    print(f"{root}: {files} text files")
    for question, found in different.items():
        print(f"  {question:<10} {1 - len(found) / max(files, 1):8.3%}  ({len(found)} differ)")
        kinds = Counter((name.rsplit(".", 1)[-1], str(their), str(our)) for name, their, our in found)
        for (ending, their, our), count in kinds.most_common(SHOWN):
            example = next(name for name, *_ in found if name.endswith(ending))
            print(f"    {count:>5} × .{ending}: Linguist says {their}, we say {our}; {example}")
    we, linguist = files / our_s, len(names) / their_s
    print(f"  files a second on one core: judging alone {we:,.0f}; Linguist with reading {linguist:,.0f}")


def main() -> None:
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'linguist'"], capture_output=True).returncode:
        print("skipped: Linguist's Ruby library is not installed (Debian: ruby-github-linguist)")
        return
    defaults = [sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]]
    for folder in sys.argv[1:] or defaults:
        compare(Path(folder))


if __name__ == "__main__":
    main()
