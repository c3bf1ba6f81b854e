"""Checkpoints ready to decode with: a few as merged copies of the base, any number beside it; it is never changed."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.serve.llama import Shape
from backend.serve.lora import WEIGHTS, Fitted, fit, merged
from backend.serve.request import Adapter
from backend.serve.weights import LowRank, Weights

KEEP = 4
"""Merged copies at any time."""
BESIDE_BYTES = 256 * 1024 * 1024
"""What adapters that are kept to be run beside the base may take."""
OFTEN = 2
"""A checkpoint that is asked for so many times is worth a copy."""


def _nobody(made: Weights | LowRank, path: Path) -> None:
    """All of the model is held here."""


@dataclass(frozen=True)
class Chosen:
    """What a request decodes with from its first token to its last."""

    name: str
    """Names the checkpoint; keys and values are of use only to requests on the same one."""
    weights: Weights
    change: LowRank | None = None


class Adapters:
    """Decides for each request whether its checkpoint runs on a copy of its own or beside the base."""

    def __init__(
        self,
        base: Weights,
        shape: Shape,
        made: Callable[[Weights | LowRank, Path], None] = _nobody,
        copies: bool = True,
    ) -> None:
        """`made` hears of every copy and adapter before it is used: other processes may hold parts of the model.

        Without `copies` all run beside the base: of weights in a few bits a copy would be whole again."""
        self._base, self._shape, self._made, self._copied = base, shape, made, copies
        self._copies: OrderedDict[str, Weights] = OrderedDict()
        self._beside: OrderedDict[str, Fitted] = OrderedDict()
        self._asked: dict[str, int] = {}
        self._written: dict[str, int] = {}

    def get(self, adapter: Adapter | None) -> Chosen:
        """What to decode with: the copy where there is one, else base and adapter side by side; None means the base.

        Raises RefactError where the folder is gone or holds something else than plain LoRA of this model."""
        if adapter is None:
            return Chosen("", self._base)
        name = self._name(adapter)
        if copy := self._copies.get(name):
            self._copies.move_to_end(name)
            return Chosen(name, copy)
        fitted = self._fitted(name, Path(adapter.path))
        self._asked[name] = self._asked.get(name, 0) + 1
        return Chosen(name, fitted.weights, fitted.change)

    def worth_a_copy(self, adapter: Adapter | None, busy: Collection[str]) -> bool:
        """Whether a checkpoint is asked for again and again, and there is room for a copy."""
        return (
            self._copied
            and adapter is not None
            and self._asked.get(self._name(adapter), 0) >= OFTEN
            and self._room(busy)
        )

    def copy(self, adapter: Adapter) -> Weights | None:
        """A merged copy, not yet in use; takes up to seconds, and may be made while others decode.

        None where there are no copies. Raises what `get` raises."""
        if not self._copied:
            fit(self._base, self._shape, Path(adapter.path))
            return None
        if copy := self._copies.get(self._name(adapter)):
            return copy
        path = Path(adapter.path)
        made = merged(fit(self._base, self._shape, path))
        self._made(made, path)
        return made

    def install(self, adapter: Adapter, copy: Weights | None, busy: Collection[str]) -> None:
        """Use a copy from now on, in place of one that no request decodes with; without such the adapter stays beside.

        `busy` are the names of what requests decode with now."""
        name = self._name(adapter)
        if copy and name not in self._copies and self._room(busy):
            if len(self._copies) >= KEEP:
                del self._copies[next(one for one in self._copies if one not in busy)]
            self._copies[name] = copy
            self._asked.pop(name, None)
            self._beside.pop(name, None)

    def _name(self, adapter: Adapter) -> str:
        """Where a checkpoint lies and when it was written: a run may be made again under the name of a deleted one.

        One whose folder has gone keeps its name, for those who still ask for its copy."""
        with suppress(OSError):
            self._written[adapter.path] = (Path(adapter.path) / WEIGHTS).stat().st_mtime_ns
        return f"{adapter.path}@{self._written.get(adapter.path, 0)}"

    def _room(self, busy: Collection[str]) -> bool:
        return len(self._copies) < KEEP or any(name not in busy for name in self._copies)

    def _fitted(self, name: str, path: Path) -> Fitted:
        if name not in self._beside:
            self._beside[name] = fit(self._base, self._shape, path)
            self._made(self._beside[name].change, path)
            while len(self._beside) > 1 and sum(one.change.bytes for one in self._beside.values()) > BESIDE_BYTES:
                self._beside.popitem(last=False)
        self._beside.move_to_end(name)
        return self._beside[name]
