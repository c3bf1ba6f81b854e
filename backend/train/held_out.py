"""The texts that a run is measured by in the end: a piece of every held-out file, so that files can be resampled."""

from collections.abc import Sequence
from itertools import islice
from random import Random

from backend.models.catalog import ModelInfo
from backend.models.layout import plain_document
from backend.models.tokenizer import TextTokenizer
from backend.train.dataset import Member, Texts
from backend.train.documents import document_of
from backend.train.packing import Row, cut, pack

PIECES = 3
"""Of each file at most, evenly over its length."""
MOST_FILES = 300
SEAMS = 8
"""Tokens kept free, since a piece encoded apart may take a few more than inside its file."""


def chosen(test: Texts, seed: int) -> list[tuple[Member, str]]:
    """The held-out files that places are chosen from, with their texts: the same for the same files and seed."""
    return list(islice(test.sample(Random(f"{seed}:files")), MOST_FILES))


def rows_by_file(
    texts: Sequence[str], info: ModelInfo, tokenizer: TextTokenizer, context: int, most_tokens: int
) -> list[tuple[int, list[Row]]]:
    """(number of the text, its rows) until `most_tokens` are reached; no row has pieces of two files."""
    found: list[tuple[int, list[Row]]] = []
    tokens = 0
    for number, text in enumerate(texts):
        if tokens >= most_tokens:
            break
        if not text.strip():
            continue
        ((_, ends),) = tokenizer.encode_plain_ends([text])
        pieces = list(cut(text, ends, lambda: context - SEAMS))
        step = max(len(pieces) / PIECES, 1.0)
        chosen = [pieces[int(index * step)] for index in range(min(PIECES, len(pieces)))]
        encoded = [plain_document(info, tokenizer.marks, tokenizer.encode_plain(piece), False) for piece in chosen]
        documents = [document_of(ids) for ids in encoded if 1 < len(ids) <= context]
        if documents:
            found.append((number, pack(documents, context)))
            tokens += sum(len(one.ids) for one in documents)
    return found
