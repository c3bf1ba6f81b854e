"""What this box can do of a run's settings: precision, quantisation, processes; refused in words; torch-free."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

from backend import devices
from backend.errors import BadRequest

Precision = Literal["bf16", "fp32"]


def precision_of(settings: Mapping[str, Any], gpu: bool) -> Precision:
    """The precision of the base model and of what flows through it; adapters are always kept in fp32."""
    wanted = settings["precision"]
    if wanted == "auto":
        return "bf16" if gpu or devices.fast_bf16() else "fp32"
    return "bf16" if wanted == "bf16" else "fp32"


def processes_of(settings: Mapping[str, Any], gpus: int) -> int:
    """How many processes train side by side: one a GPU, one on a CPU, or as many as are asked for."""
    return int(settings["processes"]) or max(gpus, 1)


def refuse_impossible(settings: Mapping[str, Any], gpus: int, cores: int) -> None:
    """Raises BadRequest for what this box cannot compute, or only absurdly slowly."""
    if settings["precision"] == "bf16" and not gpus and not devices.fast_bf16():
        raise BadRequest("This CPU does not compute in bf16; it would be a hundred times slower.", "Leave it at auto.")
    if settings["quantisation"] != "none" and find_spec("bitsandbytes") is None:
        raise BadRequest(
            f"A base in {settings['quantisation']} needs bitsandbytes, which is not installed.",
            "pip install 'refact-tui[quantised]', then start the engine again.",
        )
    most, what = (gpus, "GPUs") if gpus else (cores, "cores")
    if settings["processes"] > most:
        raise BadRequest(f"processes is {settings['processes']}; this box has {most} {what}.")
