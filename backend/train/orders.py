"""A plan as the job that a trainer reads."""

import os

from backend import devices, wire
from backend.models.catalog import STARTER, as_json
from backend.paths import Paths
from backend.train.job import Job
from backend.train.machine import processes_of
from backend.train.plan import Prepared


def job_of(paths: Paths, name: str, prepared: Prepared, rival: wire.Checkpoint | None = None) -> Job:
    """What the run `name` is told; `rival` is the checkpoint that it is to be better than."""
    info, plan = prepared.info, prepared.plan
    processes = processes_of(plan.settings, len(devices.gpus()))
    return Job(
        run=name,
        model=info.name,
        model_path=str(info.path),
        described="" if info.family == STARTER else as_json(info),
        content=str(paths.content),
        settings=plan.settings,
        steps=plan.steps,
        exact=prepared.exact,
        seconds=prepared.seconds,
        most_steps=prepared.most_steps,
        adapter=str(prepared.parent.path) if prepared.parent else "",
        rival=rival.id if rival else "",
        rival_path=rival.path if rival else "",
        threads=max(min(len(os.sched_getaffinity(0)), 16) // processes, 1),
        processes=processes,
    )
