"""What this box computes with: its GPUs by NVIDIA's own library, and the memory that is free; torch-free."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
FAST_BF16 = ("amx_bf16", "avx512_bf16")


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver tells of it; memory in bytes."""

    index: int
    name: str
    memory_bytes: int
    free_bytes: int
    capability: tuple[int, int] = (8, 0)
    """CUDA's; from 8.0 on it computes in bf16."""


@dataclass(frozen=True)
class Driver:
    """NVIDIA's: its version, and the newest CUDA that it knows."""

    version: str
    cuda: tuple[int, int]


def gpus() -> list[Gpu]:
    """Every NVIDIA GPU; none where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def driver() -> Driver | None:
    """NVIDIA's driver; None where there is none."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        version, cuda = pynvml.nvmlSystemGetDriverVersion(), int(pynvml.nvmlSystemGetCudaDriverVersion())
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()
    text = version.decode() if isinstance(version, bytes) else str(version)
    return Driver(text, (cuda // 1000, cuda % 1000 // 10))


def memory_available() -> int:
    """Bytes that a run may take: of the GPU with most free memory, else of this machine or its container."""
    if found := gpus():
        return max(gpu.free_bytes for gpu in found)
    return main_memory_available()


def main_memory_available() -> int:
    """Bytes of this machine, or of its container, that are free."""
    free = psutil.virtual_memory().available
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        # Files that were read count as used, but give way at once.
        used -= int(stat["inactive_file"])
    except (OSError, ValueError, KeyError):
        return free
    return max(min(free, limit - used), 0)


@cache
def fast_bf16() -> bool:
    """Whether this CPU computes in bf16; where it does not, bf16 is a hundred times slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return any(flag in flags for flag in FAST_BF16)


def utilisation() -> float | None:
    """How busy the GPUs are, 0 to 1, as a mean over them; None where there is no driver that says."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        busy = [float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in handles]
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()
    return sum(busy) / len(busy) / 100 if busy else None


def _gpu(index: int) -> Gpu:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name, memory = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetMemoryInfo(handle)
    text = name.decode() if isinstance(name, bytes) else str(name)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Gpu(index, text, int(memory.total), int(memory.free), (int(major), int(minor)))
