"""Starts the scan's own process for one stage and yields its records; the process dies with the engine."""

import os
from collections.abc import AsyncGenerator
from typing import Any

from backend.context import Context
from backend.jobs import records as processes
from backend.jobs.queue import JobHandle

ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "true",
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=8589934592:glibc.malloc.top_pad=67108864:glibc.malloc.hugetlb=1",
}


def records(ctx: Context, handle: JobHandle, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """Every record of one stage. Raises Stopped when the job is told to stop, RefactError where the process fails."""
    task = processes.Task(
        module="backend.scan",
        file=ctx.paths.scans / f"job-{handle.id}-{job['stage']}.json",
        log=ctx.paths.logs / "scan.log",
        name="The scan's process",
        again="Scan again: what it had found is kept.",
        env={**ENVIRONMENT, "OMP_NUM_THREADS": str(os.cpu_count() or 1)},
    )
    return processes.records(ctx.paths, handle, task, job)
