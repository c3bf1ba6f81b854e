"""Lays a request out as its model was trained: plain, or around the cursor; torch-free.

A client that builds its own fill-in-the-middle prompt (refact-lsp does, in prefix-suffix-middle or suffix-prefix-middle
order) is understood: the text between the marks is what counts, and it is laid out anew. Everything else that looks
like a mark is text that a user wrote, and stays text.
"""

from dataclasses import dataclass

from backend.models.catalog import ModelInfo
from backend.models.layout import infill_prompt, opening, plain_document, trim
from backend.models.tokenizer import TextTokenizer
from backend.scan.text import plain
from backend.serve.request import CompletionRequest

MARKS_AROUND = 3
"""Tokens that every infilling layout adds."""
LONGEST_TOKEN = 32
"""Characters; text farther from the cursor than this times the context is not even encoded."""


@dataclass(frozen=True)
class Parts:
    """Text around the cursor; no suffix means plain continuation."""

    prefix: str
    suffix: str | None


@dataclass(frozen=True)
class Prompt:
    """Token ids as the model reads them, and how many tokens may follow."""

    ids: list[int]
    max_tokens: int
    crlf: bool = False
    """The client's lines end with \\r\\n; the model has never seen such, so its answer has to be translated back."""


def take_apart(info: ModelInfo, prompt: str) -> Parts:
    """The text around the cursor in a prompt that may carry the model's marks, each at most once, in a known order.

    Known are prefix-suffix-middle, suffix-prefix-middle, and the suffix first with the prefix behind the middle mark.
    What stands before the first mark is context and is read before the prefix."""
    marks = (info.fim_prefix, info.fim_suffix, info.fim_middle)
    plain = Parts(prompt, None)
    if any(prompt.count(mark) > 1 for mark in marks):
        return plain
    p, s, m = (prompt.find(mark) for mark in marks)
    if not 0 <= s < m or p > m:
        return plain
    context = prompt[: min(place for place in (p, s) if place >= 0)].removeprefix(info.bos).removeprefix(info.eot)
    after_p, after_s, after_m = p + len(marks[0]), s + len(marks[1]), prompt[m + len(marks[2]) :]
    if p < 0 or after_p == s:
        return Parts(context + after_m, prompt[after_s:m])
    if after_m:
        return plain
    if p < s:
        return Parts(context + prompt[after_p:s], prompt[after_s:m])
    return Parts(context + prompt[after_p:m], prompt[after_s:p])


def lay_out(info: ModelInfo, tokenizer: TextTokenizer, request: CompletionRequest) -> Prompt:
    """The request as ids that fit the model's context together with the answer.

    A prompt that is too long loses text at its far ends, never at the cursor: at most half of the context is kept
    free for the answer, and an infilling prompt spends up to a quarter of its room on what stands behind the cursor."""
    asked = Parts(request.prompt, request.suffix) if request.suffix else take_apart(info, request.prompt)
    parts = Parts(plain(asked.prefix), plain(asked.suffix) if asked.suffix else None)
    room = info.context - min(max(request.max_tokens, 1), info.context // 2)
    far = info.context * LONGEST_TOKEN
    whole = len(parts.prefix) <= far
    prefix = tokenizer.encode_plain(tokenizer.begun(parts.prefix) if whole else parts.prefix[-far:])
    marks = tokenizer.marks
    if parts.suffix and info.fim_layout != "none":
        suffix = tokenizer.encode_plain(parts.suffix[:far])
        prefix, suffix = trim(prefix, suffix, room - MARKS_AROUND - len(opening(marks)))
        ids = infill_prompt(info, marks, prefix, suffix)
    else:
        ids = plain_document(info, marks, prefix[-(room - len(opening(marks))) :], False) or [marks.eot]
    return Prompt(ids, min(request.max_tokens, info.context - len(ids)), _crlf(asked))


def _crlf(parts: Parts) -> bool:
    """Whether most of a client's lines end with \\r\\n."""
    text = parts.prefix + (parts.suffix or "")
    return 2 * text.count("\r\n") > text.count("\n")
