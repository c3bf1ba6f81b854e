"""Starts the trainer of a run, or several side by side by torchrun, in the environment that training wants."""

from backend.jobs.process import Child, adopt, spawn
from backend.paths import Paths
from backend.train.job import Folder

ENVIRONMENT = {
    # Training frees and takes the same large blocks each step; returning them to the system costs half the speed.
    "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=8589934592:glibc.malloc.trim_threshold=8589934592"
    ":glibc.malloc.top_pad=67108864:glibc.malloc.hugetlb=1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}
ALONE = "backend.train"
SIDE_BY_SIDE = "torch.distributed.run"
NICE = 10


def command(folder: Folder, processes: int) -> list[str]:
    """The module that trains a run, and its arguments."""
    if processes == 1:
        return [ALONE, str(folder.path)]
    count = f"--nproc-per-node={processes}"
    return [SIDE_BY_SIDE, "--standalone", count, "-m", ALONE, str(folder.path)]


def environment(threads: int, processes: int) -> dict[str, str]:
    """What a trainer finds in its environment; several speak with each other over the loopback only."""
    several = {} if processes == 1 else {"GLOO_SOCKET_IFNAME": "lo"}
    return {**ENVIRONMENT, "OMP_NUM_THREADS": str(threads), **several}


async def launch(paths: Paths, folder: Folder) -> Child:
    """Start the run's trainer, detached. Raises OSError where no process can be made."""
    job = folder.read_job()
    module, *arguments = command(folder, job.processes)
    child = await spawn(
        paths,
        module,
        *arguments,
        log=folder.log,
        env=environment(job.threads, job.processes),
        detach=True,
        nice=NICE,
    )
    child.leads = job.processes > 1
    return child


def adopted(folder: Folder, pid: int, started: float) -> Child | None:
    """The trainer that an engine before this one started, or None where it is gone."""
    child = adopt(pid, started)
    if child:
        child.leads = folder.read_job().processes > 1
    return child
