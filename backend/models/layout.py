"""Where prefix, suffix and middle stand in a prompt, for training and serving alike; torch-free."""

from collections.abc import Sequence

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import FimMarks


def infill_prompt(info: ModelInfo, marks: FimMarks, prefix: Sequence[int], suffix: Sequence[int]) -> list[int]:
    """Token ids after which the model writes the middle, then the end of text.

    In the contiguous order the middle follows the prefix directly, as if the suffix were not there."""
    if info.fim_layout == "psm":
        return [marks.prefix, *prefix, marks.suffix, *suffix, marks.middle]
    if info.fim_layout == "spm":
        return [marks.suffix, *suffix, marks.prefix, *prefix, marks.middle]
    return [marks.prefix, marks.suffix, *suffix, marks.middle, *prefix]


def infill_document(
    info: ModelInfo, marks: FimMarks, prefix: Sequence[int], suffix: Sequence[int], middle: Sequence[int]
) -> list[int]:
    """A whole training document: the prompt, the middle and the end of text."""
    return [*infill_prompt(info, marks, prefix, suffix), *middle, marks.eot]


def trim(prefix: Sequence[int], suffix: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """Both cut to `room` tokens together: the prefix keeps its end, the suffix its beginning, so the cursor stays.

    The suffix gets a quarter of the room, or what the prefix leaves over."""
    room = max(room, 0)
    behind = min(len(suffix), max(room // 4, room - len(prefix)))
    ahead = min(len(prefix), room - behind)
    return list(prefix[len(prefix) - ahead :]), list(suffix[:behind])
