"""Lays a request out as its model was trained: plain, or around the cursor; torch-free."""

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
LONGEST_TOKEN = 32
"""Characters; text farther from the cursor than this times the context is not even encoded."""


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
    far = info.context * LONGEST_TOKEN
    whole = len(parts.prefix) <= far
    prefix = tokenizer.encode_plain(tokenizer.begun(parts.prefix) if whole else near_text(parts.prefix, far))
    marks, suffix = tokenizer.marks, list[int]()
    if parts.suffix and info.fim_layout != "none":
        suffix = tokenizer.encode_plain(parts.suffix[:far])
        whole = whole and len(parts.suffix) <= far
        ahead, behind = window(prefix, suffix, room - MARKS_AROUND - len(opening(marks)))
        ids = infill_prompt(info, marks, ahead, behind)
    else:
        ahead, behind = window(prefix, [], room - len(opening(marks)))
        ids = plain_document(info, marks, ahead, False) or [marks.eot]
    cut = not whole or len(ahead) + len(behind) < len(prefix) + len(suffix)
    return Prompt(ids, min(request.max_tokens, info.context - len(ids)), _crlf(asked), cut)


def _conversation(info: ModelInfo, tokenizer: TextTokenizer, request: CompletionRequest) -> Prompt:
    """What a template laid out, as it is; one that is too long loses its beginning."""
    room = info.context - min(max(request.max_tokens, 1), info.context // 2)
    ids = tokenizer.encode_marked(request.prompt, GUARD)[-room:] or [tokenizer.marks.eot]
    return Prompt(ids, min(request.max_tokens, info.context - len(ids)))


def _crlf(parts: Parts) -> bool:
    """Whether most of a client's lines end with \\r\\n."""
    text = parts.prefix + (parts.suffix or "")
    return 2 * text.count("\r\n") > text.count("\n")
