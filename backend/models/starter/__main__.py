"""`python -m backend.models.starter`: `pretrain`, then `export`, then `measure`; each resumes or repeats at will."""

import argparse
import json
import os
import sys
from pathlib import Path

MALLOC = (
    "glibc.malloc.mmap_threshold=8589934592:glibc.malloc.trim_threshold=8589934592:glibc.malloc.top_pad=67108864"
    ":glibc.malloc.hugetlb=1"
)
"""Keeps freed memory in the process, in large pages: page faults would cost a third of the speed."""


def main() -> None:
    """Run one part of the recipe."""
    parser = argparse.ArgumentParser(prog="python -m backend.models.starter", description=__doc__)
    parser.add_argument("part", choices=["pretrain", "export", "measure"])
    parser.add_argument(
        "--work", type=Path, default=Path.home() / ".cache" / "refact-tui-starter", help="corpus and checkpoints"
    )
    parser.add_argument("--tokens", type=int, default=60_200_000, help="how many to train on")
    parser.add_argument("--shipped", action="store_true", help="go on from the weights in the package")
    options = parser.parse_args()
    if options.part == "pretrain" and "GLIBC_TUNABLES" not in os.environ:
        os.environ |= {"GLIBC_TUNABLES": MALLOC, "OMP_WAIT_POLICY": "PASSIVE"}  # read at the start of a process
        os.execv(sys.executable, [sys.executable, "-P", "-u", "-m", "backend.models.starter", *sys.argv[1:]])
    if options.part == "pretrain":
        from backend.models.starter.pretrain import pretrain

        pretrain(options.work, options.tokens, options.shipped)
    elif options.part == "export":
        from backend.models.starter.export import export

        print(export(options.work))  # noqa: T201
    else:
        from backend.models.catalog import starter_folder
        from backend.models.starter.measure import measure

        print(json.dumps(measure(starter_folder()), indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
