"""Whether GPU, driver and the installed torch fit each other, told without importing torch."""

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from backend import devices, wire

PCI = Path("/sys/bus/pci/devices")
NVIDIA, DISPLAY = "0x10de", "0x03"
SAID = re.compile(r"^(cuda|hip)\b[^=\n]*= *'([^']+)'", re.MULTILINE)
WHERE = "https://pytorch.org/get-started/locally"


@dataclass(frozen=True)
class Build:
    """An installed torch: its version, and what it computes on besides the CPU ("" where nothing)."""

    version: str
    cuda: str = ""
    hip: str = ""

    @property
    def name(self) -> str:
        """As people say it."""
        kind = f"CUDA {self.cuda}" if self.cuda else f"ROCm {self.hip}" if self.hip else "the CPU alone"
        return f"torch {self.version} for {kind}"


def graphics() -> list[wire.Finding]:
    """What this box has and what is installed."""
    return judged(devices.gpus(), devices.driver(), cards(), build())


def judged(
    gpus: list[devices.Gpu], driver: devices.Driver | None, cards: int, build: Build | None
) -> list[wire.Finding]:
    """`cards`: NVIDIA's on the PCI bus, whether or not a driver drives them."""
    return [_gpu(gpus, driver, cards), _torch(gpus, driver, build)]


def cards(pci: Path = PCI) -> int:
    """NVIDIA's display and compute cards on the PCI bus."""
    return sum(_says(card / "vendor") == NVIDIA and _says(card / "class").startswith(DISPLAY) for card in _in(pci))


def build() -> Build | None:
    """The torch that workers will import, read from its files; None where there is none."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    said = dict(SAID.findall(_says(Path(found.origin).parent / "version.py")))
    return Build(importlib.metadata.version("torch"), said.get("cuda", ""), said.get("hip", ""))


def _gpu(gpus: list[devices.Gpu], driver: devices.Driver | None, cards: int) -> wire.Finding:
    if gpus:
        names = ", ".join(
            f"{gpu.name} with {gpu.free_bytes / 1e9:.0f} of {gpu.memory_bytes / 1e9:.0f} GB free" for gpu in gpus
        )
        said = f"{names}; driver {driver.version}." if driver else f"{names}."
        return wire.Finding(check="gpu", ok=True, finding=said)
    if cards:
        what = "An NVIDIA GPU is" if cards == 1 else f"{cards} NVIDIA GPUs are"
        return wire.Finding(
            check="gpu",
            ok=False,
            finding=f"{what} in this box, and no driver answers: the CPU computes.",
            remedy="Install NVIDIA's driver and look at `nvidia-smi`; in a container, start it with --gpus all.",
        )
    return wire.Finding(
        check="gpu",
        ok=None,
        finding="No NVIDIA GPU; training and serving use the CPU.",
        remedy="Fine for the starter model.",
    )


def _torch(gpus: list[devices.Gpu], driver: devices.Driver | None, build: Build | None) -> wire.Finding:
    if build is None:
        return wire.Finding(
            check="torch", ok=False, finding="torch is not installed.", remedy="Install refact-tui again."
        )
    if gpus and not build.cuda:
        return wire.Finding(
            check="torch",
            ok=False,
            finding=f"{build.name}: the GPU is not used.",
            remedy=f"Install the CUDA build of torch {build.version.partition('+')[0]} ({WHERE}), then: "
            "refact-tui engine restart",
        )
    if gpus and driver and driver.cuda[0] < int(build.cuda.partition(".")[0]):
        most = ".".join(map(str, driver.cuda))
        return wire.Finding(
            check="torch",
            ok=False,
            finding=f"{build.name}, and driver {driver.version} knows CUDA up to {most}.",
            remedy="Install a newer driver of NVIDIA's, or the torch build for an older CUDA.",
        )
    return wire.Finding(check="torch", ok=True, finding=f"{build.name}.")


def _in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _says(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
