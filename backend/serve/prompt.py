"""Lays a request out as its model was trained: plain, or around the cursor; torch-free."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.models.catalog import ModelInfo
from backend.models.chat_template import GUARD
from backend.models.layout import infill_prompt, opening, plain_document
from backend.models.tokenizer import TextTokenizer
from backend.scan.text import plain
from backend.serve.client_prompt import Parts, take_apart
from backend.serve.request import CompletionRequest
from backend.serve.window import near_text, window

MARKS_AROUND = 3
"""Tokens that every infilling layout adds."""
LETTERS = (2, 8, 32)
"""Characters in a token: few, many and most. Text farther from the cursor than the last times the context is not even
encoded, nor what is farther than one before where that is enough: nobody is answered meanwhile."""


@dataclass(frozen=True)
class Prompt:
    """Token ids as the model reads them, and how many tokens may follow."""

    ids: list[int]
    max_tokens: int
    crlf: bool = False
    """The client's lines end with \\r\\n; the model has never seen such, so its answer has to be translated back."""
    cut: bool = False
    """Text at its far ends did not fit and is not in it."""


def lay_out(info: ModelInfo, tokenizer: TextTokenizer, request: CompletionRequest) -> Prompt:
    """The request as ids that fit the model's context together with the answer.

    A prompt that is too long loses text at its far ends, never at the cursor: at most half of the context is kept
    free for the answer, and an infilling prompt spends up to a quarter of its room on what stands behind the cursor."""
    if request.marked:
        return _conversation(info, tokenizer, request)
    asked = Parts(request.prompt, request.suffix) if request.suffix else take_apart(info, request.prompt)
    parts = Parts(plain(asked.prefix), plain(asked.suffix) if asked.suffix else None)
    room = info.context - min(max(request.max_tokens, 1), info.context // 2)
    prefix, whole = _near(info, tokenizer, tokenizer.begun(parts.prefix), room, near_text, LETTERS[1:])
    marks, suffix = tokenizer.marks, list[int]()
    if parts.suffix and info.fim_layout != "none":
        most = max(room // 4, room - len(prefix))
        suffix, all_of_it = _near(info, tokenizer, parts.suffix, most, lambda text, end: text[:end], LETTERS)
        whole = whole and all_of_it
        ahead, behind = window(prefix, suffix, room - MARKS_AROUND - len(opening(marks)))
        ids = infill_prompt(info, marks, ahead, behind)
    else:
        ahead, behind = window(prefix, [], room - len(opening(marks)))
        ids = plain_document(info, marks, ahead, False) or [marks.eot]
    cut = not whole or len(ahead) + len(behind) < len(prefix) + len(suffix)
    return Prompt(ids, min(request.max_tokens, info.context - len(ids)), _crlf(asked), cut)


def _near(
    info: ModelInfo,
    tokenizer: TextTokenizer,
    text: str,
    room: int,
    part: Callable[[str, int], str],
    tries: tuple[int, ...],
) -> tuple[list[int], bool]:
    """Ids of a text, or of more of it than there is room for, and whether that is all; `part` is what is near."""
    ids: list[int] = []
    for letters in tries:
        if len(text) <= info.context * letters:
            return tokenizer.encode_plain(text), True
        ids = tokenizer.encode_plain(part(text, info.context * letters))
        if len(ids) > room:
            break
    return ids, False


def _conversation(info: ModelInfo, tokenizer: TextTokenizer, request: CompletionRequest) -> Prompt:
    """What a template laid out, as it is; one that is too long loses its beginning."""
    room = info.context - min(max(request.max_tokens, 1), info.context // 2)
    ids = tokenizer.encode_marked(request.prompt, GUARD)[-room:] or [tokenizer.marks.eot]
    return Prompt(ids, min(request.max_tokens, info.context - len(ids)))


def _crlf(parts: Parts) -> bool:
    """Whether most of a client's lines end with \\r\\n."""
    text = parts.prefix + (parts.suffix or "")
    return 2 * text.count("\r\n") > text.count("\n")
