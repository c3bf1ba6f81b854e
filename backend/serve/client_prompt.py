"""Takes apart a prompt that a client built around the cursor, in whichever family's marks it did; torch-free.

Plug-ins choose marks and their order by a model's name, and what they choose need not be what the model was trained
with. The text between the marks is what counts. Everything else that looks like a mark is text that a user wrote.
"""

from dataclasses import dataclass
from functools import cache

from backend.models.catalog import ModelInfo
from backend.models.families import shipped

Marks = tuple[str, str, str]
CODE_LLAMA: Marks = ("<PRE> ", " <SUF>", " <MID>")
"""As its clients spell them; the tokens themselves begin with a space."""


@dataclass(frozen=True)
class Parts:
    """Text around the cursor; no suffix means plain continuation."""

    prefix: str
    suffix: str | None


def take_apart(info: ModelInfo, prompt: str) -> Parts:
    """The text around the cursor in a prompt that may carry marks, each at most once, in a known order.

    Of the model's own marks it is enough that they are there; with another family's the prompt must begin and, where
    that family has a middle mark, end: nobody writes such a text by hand."""
    own: Marks = (info.fim_prefix, info.fim_suffix, info.fim_middle)
    lead = prompt.removeprefix(info.bos).removeprefix(info.eot)
    if all(own) and (found := _apart(own, prompt, len(prompt) - len(lead))):
        return found
    if info.fim_layout == "spm_unmarked" and (found := _unmarked(own, lead)):
        return found
    bare = lead.lstrip(" ")
    for marks in _foreign():
        if bare.startswith(marks[:2]):
            found = _apart(marks, bare, 0) if bare.endswith(marks[2].strip()) else None
            found = found or (_unmarked(marks, bare) if marks in _without_middle() else None)
            if found:
                return found
    return Parts(prompt, None)


def _apart(marks: Marks, prompt: str, lead: int) -> Parts | None:
    """Prefix-suffix-middle, suffix-prefix-middle, or the suffix first with the prefix behind the middle mark.

    What stands between `lead` characters and the first mark is context and is read before the prefix."""
    if any(prompt.count(mark) > 1 for mark in marks):
        return None
    p, s, m = (prompt.find(mark) for mark in marks)
    if not 0 <= s < m or p > m:
        return None
    context = prompt[lead : min(place for place in (p, s) if place >= 0)]
    after_p, after_s, after_m = p + len(marks[0]), s + len(marks[1]), prompt[m + len(marks[2]) :]
    if p < 0 or after_p == s:
        return Parts(context + after_m, prompt[after_s:m])
    if after_m:
        return None
    if p < s:
        return Parts(context + prompt[after_p:s], prompt[after_s:m])
    return Parts(context + prompt[after_p:m], prompt[after_s:p])


def _unmarked(marks: Marks, prompt: str) -> Parts | None:
    """Suffix mark, suffix, prefix mark, prefix: an order that has no middle mark."""
    prefix, suffix, middle = marks
    if not prompt.startswith(suffix) or prompt.count(suffix) > 1 or prompt.count(prefix) != 1:
        return None
    if middle and middle in prompt:
        return None
    before, _, after = prompt.removeprefix(suffix).partition(prefix)
    return Parts(after, before)


@cache
def _foreign() -> tuple[Marks, ...]:
    """The marks of every family that is known, each once."""
    known = ((one.prefix, one.suffix, one.middle) for one in shipped().values() if one.marks)
    return tuple(dict.fromkeys((*known, CODE_LLAMA)))


@cache
def _without_middle() -> frozenset[Marks]:
    unmarked = (one for one in shipped().values() if one.layout == "spm_unmarked")
    return frozenset((one.prefix, one.suffix, one.middle) for one in unmarked)
