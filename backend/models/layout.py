"""Where prefix, suffix and middle stand in a prompt, and what begins and ends a text: for scoring, training and serving
alike; torch-free."""

from collections.abc import Sequence

from backend.models.catalog import ModelInfo
from backend.models.tokenizer import NONE, FimMarks


def opening(marks: FimMarks) -> list[int]:
    """What stands before every text: one token, or nothing."""
    return [] if marks.bos == NONE else [marks.bos]


def plain_document(info: ModelInfo, marks: FimMarks, ids: Sequence[int], ended: bool) -> list[int]:
    """Plain text as a training document; only where the file ends does the end of text follow."""
    return [*opening(marks), *ids, *([marks.end] if ended else [])]


def infill_prompt(info: ModelInfo, marks: FimMarks, prefix: Sequence[int], suffix: Sequence[int]) -> list[int]:
    """Token ids after which the model writes the middle, then the end of text.

    In the contiguous order and the unmarked one the middle follows the prefix directly, as if the suffix were not
    there. A model without marks reads the prefix alone."""
    first = opening(marks)
    match info.fim_layout:
        case "psm":
            return [*first, marks.prefix, *prefix, marks.suffix, *suffix, marks.middle]
        case "spm":
            return [*first, marks.suffix, *suffix, marks.prefix, *prefix, marks.middle]
        case "spm_contiguous":
            return [*first, marks.prefix, marks.suffix, *suffix, marks.middle, *prefix]
        case "spm_unmarked":
            return [*first, marks.suffix, *suffix, marks.prefix, *prefix]
        case "none":
            return [*first, *prefix]


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
