"""The texts that a run is measured by in the end: a piece of every held-out file, so that files can be resampled."""

from collections.abc import Sequence
from itertools import islice
from random import Random

from backend.models.tokenizer import TextTokenizer
from backend.train.dataset import Member, Texts
from backend.train.packing import Document, Row, cut, pack

PIECES = 3
"""Of each file at most, evenly over its length."""
MOST_FILES = 300


def chosen(test: Texts, seed: int) -> list[tuple[Member, str]]:
    """The held-out files that places are chosen from, with their texts: the same for the same files and seed."""
    return list(islice(test.sample(Random(f"{seed}:files")), MOST_FILES))


def rows_by_file(
    texts: Sequence[str], tokenizer: TextTokenizer, context: int, most_tokens: int
) -> list[tuple[int, list[Row]]]:
    """(number of the text, its rows) until `most_tokens` are reached; no row has pieces of two files."""
    found: list[tuple[int, list[Row]]] = []
    tokens = 0
    for number, text in enumerate(texts):
        if tokens >= most_tokens:
            break
        if not text.strip():
            continue
        pieces = cut(text, context, tokenizer.encode_plain)
        step = max(len(pieces) / PIECES, 1.0)
        chosen = [pieces[int(index * step)] for index in range(min(PIECES, len(pieces)))]
        encoded = [tokenizer.encode_plain(piece) for piece in chosen]
        documents = [Document(ids, [0.0] + [1.0] * (len(ids) - 1)) for ids in encoded if 1 < len(ids) <= context]
        if documents:
            found.append((number, pack(documents, context)))
            tokens += sum(len(one.ids) for one in documents)
    return found
