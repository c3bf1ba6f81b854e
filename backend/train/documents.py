"""Turns files into documents of tokens, plain or as an IDE would ask for a part of them, each as models see it served.

No path and no other header is added, here as in scoring and serving: see docs/fim.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from backend.errors import RefactError
from backend.models.catalog import ModelInfo
from backend.models.layout import infill_document, infill_prompt, plain_document
from backend.models.tokenizer import TextTokenizer
from backend.train import syntax
from backend.train.fim import Nodes, Split, split
from backend.train.packing import Document, cut, halves

SEAMS = 3
"""Tokens kept free in a row, since three parts encoded apart may take a few more than the whole."""


@dataclass(frozen=True)
class File:
    """The text of one file, and its language by its Linguist name."""

    text: str
    language: str


@dataclass(frozen=True)
class Piece:
    """As much of a file as fits a row; `parts` where it is to be laid out around a cursor."""

    text: str
    ended: bool
    """The file ends here."""
    parts: Split | None
    ids: list[int] | None = None
    """Of the text, where they are known."""
    first: bool = False
    """The file begins here, which some tokenizers show by a space."""


class Documents:
    """Makes the documents of a run. Raises RefactError where the run wants tree-sitter and it is not installed."""

    def __init__(self, info: ModelInfo, tokenizer: TextTokenizer, settings: dict[str, Any]) -> None:
        self._info, self._tokenizer, self._marks = info, tokenizer, tokenizer.marks
        self._context, self._fim_rate = int(settings["context"]), float(settings["fim_rate"])
        if info.fim_layout == "none":
            self._fim_rate = 0.0
        self._weight = float(settings["context_weight"])
        self._syntax = settings.get("fim_nodes") == "tree-sitter"
        if self._syntax and not syntax.installed():
            raise RefactError("This run finds syntactic nodes by tree-sitter, which is not here.", syntax.INSTALL)
        self._plain_room = self._context - len(plain_document(info, self._marks, [], True))
        if self._fim_rate:
            self._added = set(infill_prompt(info, self._marks, [], []))
            """What the layout adds to the text: a model is never asked to say these."""
            self._infill_room = self._context - len(infill_document(info, self._marks, [], [], [])) - SEAMS

    def of(self, files: Sequence[File], random: Random) -> list[Document]:
        """Every piece of every file once; the same for the same files and state of `random`."""
        encoded = self._tokenizer.encode_plain_ends([file.text for file in files])
        pieces = [
            piece
            for file, (ids, ends) in zip(files, encoded, strict=True)
            for piece in self._pieces(file, ids, ends, random)
        ]
        texts = [text for piece in pieces for text in self._texts(piece)]
        parts = iter(self._tokenizer.encode_plain_batch(texts))
        return [document for piece in pieces for document in self._documents(piece, parts)]

    def _pieces(self, file: File, ids: list[int], ends: list[int], random: Random) -> Iterator[Piece]:
        infill = False

        def room() -> int:
            nonlocal infill
            infill = random.random() < self._fim_rate
            return self._infill_room if infill else self._plain_room

        done = 0
        for text in cut(file.text, ends, room):
            done += len(text)
            parts = split(text, random, self._nodes(text, file.language)) if infill else None
            first = done == len(text)
            whole = done == len(file.text) and first and self._tokenizer.begun(text) == text
            yield Piece(text, done == len(file.text), parts, ids if whole else None, first)

    def _nodes(self, text: str, language: str) -> Nodes | None:
        known = self._syntax and syntax.parser(language) is not None
        return partial(syntax.around, text, language) if known else None

    def _documents(self, piece: Piece, encoded: Iterator[list[int]]) -> list[Document]:
        """The piece around a cursor where that fits a row, else as plain text."""
        if piece.parts:
            prefix, middle, suffix = next(encoded), next(encoded), next(encoded)
            document = self._infill(prefix, middle, suffix)
            if len(document.ids) <= self._context:
                return [document]
            return self._plain(piece, None)
        return self._plain(piece, piece.ids or next(encoded))

    def _texts(self, piece: Piece) -> list[str]:
        """What has to be encoded of a piece: each part apart, as it is when served, or all of it."""
        begun = self._tokenizer.begun if piece.first else str
        if piece.parts:
            return [begun(piece.parts.prefix), piece.parts.middle, piece.parts.suffix]
        return [] if piece.ids else [begun(piece.text)]

    def _infill(self, prefix: list[int], middle: list[int], suffix: list[int]) -> Document:
        ids = infill_document(self._info, self._marks, prefix, suffix, middle)
        weights = [0.0 if id_ in self._added else self._weight for id_ in ids]
        weights[-1 - len(middle) :] = [1.0] * (len(middle) + 1)
        # Nothing stands before the first token that could predict it, whatever a layout begins with.
        weights[0] = 0.0
        return Document(ids, weights)

    def _plain(self, piece: Piece, ids: list[int] | None) -> list[Document]:
        """The piece as it is; in several where it takes more tokens than it did inside its file."""
        text = self._tokenizer.begun(piece.text) if piece.first else piece.text
        parts = [ids] if ids and len(ids) <= self._plain_room else self._halves(text)
        return [
            document_of(plain_document(self._info, self._marks, part, piece.ended and number == len(parts)))
            for number, part in enumerate(parts, 1)
        ]

    def _halves(self, text: str) -> list[list[int]]:
        return [ids for _, ids in halves(text, self._plain_room, self._tokenizer.encode_plain)]


def document_of(ids: list[int]) -> Document:
    """A document whose every token but the first is to be predicted."""
    return Document(ids, [0.0] + [1.0] * (len(ids) - 1))
